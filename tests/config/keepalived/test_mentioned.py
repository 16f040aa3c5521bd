from tests.config.keepalived.reading import draft_of, errors


def test_a_word_in_a_block_where_it_does_not_belong_is_not_there():
    text = "vrrp_instance a {\n interface eth0\n authentication {\n virtual_router_id 3\n }\n}\n"
    assert any("has no 'virtual_router_id'" in str(problem) for problem in errors(draft_of(text)))
