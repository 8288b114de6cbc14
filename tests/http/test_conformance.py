"""What the OpenAPI document promises, tried with generated requests, good and bad (schemathesis)."""

from typing import Any

import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from fireside.core.ids import new_id
from fireside.features.accounts.service import User
from tests.features.accounts.fakes import NOW_MS
from tests.http.rest import Rest, tokens

ANNA = User(new_id(), "anna", "anna@example.org", "hash of correct horse battery", NOW_MS)

rest = Rest(login_limits=False)
rest.store.users[ANNA.id] = ANNA
schema = schemathesis.openapi.from_asgi("/openapi.json", rest.app)

# JSON Schema counts characters and a password counts bytes, so it cannot say which ones will be accepted.
UNSAYABLE: dict[str, list[schemathesis.CheckFunction]] = {"/api/users/register": [positive_data_acceptance]}


@schema.parametrize()
@settings(max_examples=50, derandomize=True, deadline=None)
def test_every_answer_is_as_documented(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {tokens.issue(ANNA.id)}"},
        excluded_checks=UNSAYABLE.get(case.operation.path, []),
    )
