// A JavaScript client in full: log in over HTTP, then talk over Socket.IO with the official client.
//
//     npm install socket.io-client
//     node client.mjs http://localhost:5000 ann "correct horse battery" bob     (Bob is somebody who is registered)
//
// It sends what you type, a line a message, and prints what it hears.
import readline from "node:readline";
import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

const [server, username, password, friend] = process.argv.slice(2);

async function call(path, { token, body } = {}) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const method = body ? "POST" : "GET";
  const response = await fetch(`${server}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error} (${answer.code})`);
  return answer;
}

const { user, token } = await call("users/login", { body: { username, password } });
const { users } = await call(`users?search=${encodeURIComponent(friend)}`, { token });
const recipient = users.find((found) => found.username.toLowerCase() === friend.toLowerCase())?._id;
if (!recipient) throw new Error(`there is nobody called ${friend}`);

// `transports` is there for tests and odd networks; left out, the client starts with polling and upgrades.
const transports = process.env.TRANSPORTS?.split(",");
const socket = io(server, { auth: { token }, ...(transports && { transports }) });

socket.on("connect", () => console.log(`connected as ${user.username}`));
socket.on("disconnect", (reason) => console.log(`disconnected: ${reason}`));
socket.on("connect_error", (error) => {
  console.error(`not connected: ${error.message} (${error.data?.code ?? "network"})`);
  if (!socket.active) process.exit(1); // refused, and asking again with this token would not help
});
socket.on("messageReceived", (message) => {
  const from = message.sender === recipient ? friend : message.sender === user._id ? "me, elsewhere" : message.sender;
  console.log(`[${message.seq}] ${from}: ${message.content}`);
});

// The clientId makes sending again safe: whatever was lost on the way, the message is stored once.
async function send(content, clientId = randomUUID()) {
  for (;;) {
    const answer = await socket.timeout(5000).emitWithAck("sendMessage", { recipient, content, clientId }).catch(() => null);
    if (answer?.ok) return console.log(`[${answer.message.seq}] me: ${content}`);
    if (answer) return console.error(`refused: ${answer.error} (${answer.code})`);
    console.log("no answer yet, sending again");
  }
}

let last = Promise.resolve();
const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => line.trim() && (last = last.then(() => send(line))));
lines.on("close", () => last.then(() => socket.disconnect()));
