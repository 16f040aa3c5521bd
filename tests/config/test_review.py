from pyha.config.review import review
from pyha.config.validate import validate
from tests.config.haproxy.reading import CLIENT_TIMEOUT, draft_of


def test_a_listener_that_answers_itself_reads_no_proxy_protocol_header():
    draft = draft_of("frontend page\n    mode http\n    bind 127.0.0.1:1 accept-proxy\n    stats uri /\n"
                     + CLIENT_TIMEOUT)
    config, _ = validate(draft.data, draft.origins)
    problem, = [problem for problem in review(config, draft.origins) if problem.fatal]
    assert problem.origin.line == 3
    assert "cannot read PROXY protocol headers" in problem.message
