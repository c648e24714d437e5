from cl_client import JWTAuthProvider, NoAuthProvider


def test_a_token_goes_with_every_request():
    assert JWTAuthProvider("abc").get_headers() == {"Authorization": "Bearer abc"}
    assert NoAuthProvider().get_headers() == {}


def test_a_token_is_not_printed():
    assert "abc" not in repr(JWTAuthProvider("abc"))
