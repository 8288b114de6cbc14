"""A Python client in full: log in over HTTP, then talk over Socket.IO with python-socketio.

    pip install "python-socketio[asyncio_client]"
    python client.py http://localhost:5000 ann "correct horse battery" bob     (Bob is somebody who is registered)

It sends what you type, a line a message, and prints what it hears.
"""

import asyncio
import os
import sys
import uuid
from typing import Any

import aiohttp
import socketio


async def call(http: aiohttp.ClientSession, method: str, path: str, **options: Any) -> Any:
    async with http.request(method, f"/api/{path}", **options) as response:
        answer = await response.json()
        return answer if response.ok else sys.exit(f"{answer['error']} ({answer['code']})")


async def send(socket: socketio.AsyncClient, recipient: str, content: str) -> str:
    # The clientId makes sending again safe: whatever was lost on the way, the message is stored once.
    message = {"recipient": recipient, "content": content, "clientId": str(uuid.uuid4())}
    while True:
        try:
            answer = await socket.call("sendMessage", message, timeout=5)
            return f"[{answer['message']['seq']}] me: {content}" if answer["ok"] else f"refused: {answer['error']}"
        except socketio.exceptions.SocketIOError:
            print("no answer yet, sending again", flush=True)
            await asyncio.sleep(1)


async def main(server: str, username: str, password: str, friend: str) -> None:
    async with aiohttp.ClientSession(server) as http:
        login = await call(http, "POST", "users/login", json={"username": username, "password": password})
        headers = {"Authorization": f"Bearer {login['token']}"}
        found = await call(http, "GET", "users", params={"search": friend}, headers=headers)
    ids = {user["username"].lower(): user["_id"] for user in found["users"]}
    recipient = ids.get(friend.lower()) or sys.exit(f"there is nobody called {friend}")
    names = {login["user"]["_id"]: "me, elsewhere", recipient: friend}
    socket = socketio.AsyncClient()
    socket.on("connect", lambda: print(f"connected as {login['user']['username']}", flush=True))
    socket.on("messageReceived", lambda m: print(f"[{m['seq']}] {names.get(m['sender'])}: {m['content']}", flush=True))
    # `transports` is there for tests and odd networks; left out, the client starts with polling and upgrades.
    transports = os.environ["TRANSPORTS"].split(",") if "TRANSPORTS" in os.environ else None
    await socket.connect(server, auth={"token": login["token"]}, transports=transports, wait_timeout=10)
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            print(await send(socket, recipient, line.rstrip("\n")), flush=True)
    await socket.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
