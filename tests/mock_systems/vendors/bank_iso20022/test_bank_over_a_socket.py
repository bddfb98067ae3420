"""The feed over a real socket, with a client that knows nothing of us."""

import asyncio
from datetime import date

import httpx
from bankstatementparser import CamtParser

from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.live import LiveServer


def test_a_client_logs_in_lists_and_fetches(bank):
    bank.credit(1_234_56)
    bank.dialect.core.close_day(date(2026, 3, 2))
    config = bank.dialect.config

    async def main():
        async with LiveServer(MockApp(bank.server, "control")) as live, httpx.AsyncClient(base_url=live.url) as client:
            login = await client.post(
                "/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=httpx.BasicAuth(config.client_id, config.client_secret),
            )
            bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
            (account,) = (await client.get("/v1/accounts", headers=bearer)).json()["accounts"]
            path = f"/v1/accounts/{account['accountId']}/statements"
            (listed,) = (await client.get(path, headers=bearer, params={"fromDate": "2026-03-01"})).json()["statements"]
            document = await client.get(f"{path}/{listed['statementId']}", headers=bearer)
            assert document.headers["content-type"] == "application/xml"
            return listed, document.content

    listed, document = asyncio.run(main())
    summary = CamtParser.from_bytes(document).get_summary()
    assert str(summary["closing_balance"]) == listed["closingBalance"] == "1234.56"
