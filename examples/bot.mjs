// A bot: it answers everybody who writes to it, once each, also what was written while it did not run.
//
//     npm install @fireside/client
//     node bot.mjs http://localhost:5000 echo "correct horse battery"     (Echo is an account that is registered)
import { Client, login } from "@fireside/client";

const [server, username, password] = process.argv.slice(2);

function replyTo(content) {
  const words = content.split(/\s+/).filter(Boolean).length;
  return `That was ${words} ${words === 1 ? "word" : "words"}.`;
}

// It logs in again by itself when the token has run out.
const client = new Client(server, async () => (await login(server, username, password)).token);

client.onMessage(async (message) => {
  const { conversation, seq, content, _id } = message;
  // What has the same clientId is sent once, however often the bot comes to the message.
  await client.send(replyTo(content), { conversation, replyTo: seq, clientId: `re-${_id}` });
  console.log(`answered '${content}'`);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => client.close());

try {
  await client.start();
  console.log("ready");
  await client.wait();
} catch (error) {
  // `Refused` has a code; that it was closed is no error.
  if (error.name !== "Lost") {
    console.error(error.code ? `${error.error} (${error.code})` : error);
    process.exitCode = 1;
  }
  await client.close();
}
