"""Errors: the one shape, and codes that stay what they are."""

from fireside.core.errors import ChatError, InvalidInput, RateLimited, error_body, every_code


def test_a_refusal_has_one_shape() -> None:
    assert error_body(RateLimited("Slow down."), "r1") == {
        "error": "Slow down.",
        "code": "rate_limited",
        "requestId": "r1",
    }


def test_details_are_there_only_where_there_are_some() -> None:
    assert error_body(InvalidInput("No.", details={"field": "email"}), "r1")["details"] == {"field": "email"}


def test_the_published_codes_keep_their_status() -> None:
    published = {
        "bad_request": 400,
        "unauthorized": 401,
        "token_expired": 401,
        "invalid_credentials": 401,
        "forbidden": 403,
        "not_found": 404,
        "method_not_allowed": 405,
        "conflict": 409,
        "too_large": 413,
        "unsupported_media_type": 415,
        "invalid_input": 422,
        "rate_limited": 429,
        "internal": 500,
        "unavailable": 503,
    }
    assert {code: kind.status for code, kind in every_code().items() if code in published} == published


def test_a_code_says_the_same_of_trying_again_wherever_it_is_raised() -> None:
    def kinds(root: type[ChatError]) -> list[type[ChatError]]:
        return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]

    for kind in kinds(ChatError):
        assert kind.retriable == every_code()[kind.code].retriable
