from pyha.health.proxy_header import proxy_header


def test_version_1_names_both_ends():
    assert proxy_header("v1", ("10.0.0.1", 1000), ("10.0.0.2", 80)) == b"PROXY TCP4 10.0.0.1 10.0.0.2 1000 80\r\n"
    assert proxy_header("v1", ("::1", 1000, 0, 0), ("::2", 80, 0, 0)) == b"PROXY TCP6 ::1 ::2 1000 80\r\n"


def test_version_2_says_that_the_connection_is_the_proxys_own():
    assert proxy_header("v2", ("::1", 1), ("::2", 2)) == b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
