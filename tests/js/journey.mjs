// What the official client does with a Fireside server, one scenario a run:
//
//     node journey.mjs <scenario> '{"url": …, "mode": …, "ann": {"id", "token"}, "bob": {…}}'
//
// It prints "done" at the end; anything that is not as it must be ends it with an error. A line "ready" asks whoever
// runs it to do their part.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { NodeWebSocket, NodeXHR } from "engine.io-client";
import { io } from "socket.io-client";

const PATIENCE_MS = 60_000;
const MODES = { default: {}, polling: { transports: ["polling"] }, websocket: { transports: ["websocket"] } };
const AS_MANY = 200;
const IN_FLIGHT = 50;

const [scenario, setting] = process.argv.slice(2);
const { url, mode, ann, bob } = JSON.parse(setting);

const isRising = (list) => list.every((number, index) => index === 0 || number > list[index - 1]);
const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);
const within = (promise, what) => {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`in vain: ${what}`)), PATIENCE_MS).unref();
  });
  return Promise.race([promise, late]);
};

/** A socket that is not connected yet; what it hears waits in `heard`. */
function open(auth, options = MODES[mode]) {
  const quickly = { reconnectionDelay: 10, reconnectionDelayMax: 100, randomizationFactor: 0 };
  const socket = io(url, { auth, forceNew: true, ...quickly, ...options });
  const heard = [];
  let wake = () => {};
  socket.on("messageReceived", (message) => {
    heard.push(message);
    wake();
  });
  socket.hears = (count) => {
    const enough = async () => {
      while (heard.length < count) await new Promise((resolve) => (wake = resolve));
      return heard;
    };
    return within(enough(), `${count} messages`);
  };
  socket.sends = (to, content, more) => {
    const form = { recipient: to.id, content, ...more };
    return socket.timeout(PATIENCE_MS).emitWithAck("sendMessage", form);
  };
  return socket;
}

async function connected(person, options) {
  const socket = open({ token: person.token }, options);
  const refused = happens(socket, "connect_error").then((error) => Promise.reject(error));
  await within(Promise.race([happens(socket, "connect"), refused]), "a connection");
  return socket;
}

const happens = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

async function upgraded(socket) {
  const engine = socket.io.engine;
  if (engine.transport.name !== "websocket") await within(happens(engine, "upgrade"), "an upgrade");
}

const scenarios = {
  async connects() {
    const socket = open({ token: ann.token });
    const first = within(happens(socket.io.engine, "handshake"), "a session").then(() => socket.io.engine.transport.name);
    await within(happens(socket, "connect"), "a connection");
    assert.equal(await first, mode === "websocket" ? "websocket" : "polling");
    if (mode === "default") await upgraded(socket);
    assert.equal(socket.io.engine.transport.name, mode === "polling" ? "polling" : "websocket");
    assert.deepEqual(await socket.emitWithAck("join", { userId: ann.id }), { ok: true });
    return [socket];
  },

  async isRefused() {
    const noGood = [undefined, {}, { token: null }, { token: "nonsense" }, { token: { $gt: "" } }];
    const refusals = noGood.map(async (auth) => {
      const socket = open(auth);
      const error = await within(happens(socket, "connect_error"), "a connect_error");
      assert.equal(error.data.code, "unauthorized");
      assert.equal(error.data.error, error.message);
      assert.ok(error.data.requestId);
      assert.equal(socket.active, false, "it does not try again with a token that is no good");
      return socket;
    });
    return Promise.all(refusals);
  },

  async talks() {
    const [anns, bobs] = await Promise.all([connected(ann), connected(bob)]);
    const asked = await anns.sends(bob, "How are you?", { clientId: "mine" });
    assert.equal(asked.ok, true);
    assert.equal(asked.message.clientId, "mine");
    assert.deepEqual(await bobs.hears(1), [asked.message]);
    const answered = await bobs.sends(ann, "Well, thank you");
    assert.deepEqual(await anns.hears(1), [answered.message]);
    assert.deepEqual([asked.message.seq, answered.message.seq], [1, 2]);
    assert.deepEqual(await anns.sends(bob, "How are you?", { clientId: "mine" }), asked);
    return [anns, bobs];
  },

  async sendsBytes() {
    const socket = await connected(ann);
    const picture = { name: "x.png", parts: [Buffer.from([0, 1, 254, 255]), new Uint8Array(0), new ArrayBuffer(3)] };
    const refused = await socket.emitWithAck("sendPicture", picture);
    assert.deepEqual([refused.ok, refused.code], [false, "unknown_event"]);
    const told = within(happens(socket, "eventRefused"), "a refusal");
    socket.emit("sendPicture", picture, Buffer.alloc(70_000, 1));
    assert.equal((await told).code, "unknown_event");
    const bytes = await socket.sends(ann, Buffer.from("bytes"));
    assert.deepEqual([bytes.ok, bytes.code], [false, "invalid_input"]);
    assert.equal((await socket.sends(ann, "text")).message.seq, 1);
    return [socket];
  },

  async isTold() {
    const socket = await connected(ann);
    const refusals = [
      ["sendMessage", { recipient: "f".repeat(24), content: "hello" }, "not_found"],
      ["sendMessage", { recipient: bob.id, content: "" }, "invalid_input"],
      ["sendMessage", { recipient: bob.id, content: "x".repeat(16 * 1024 + 1) }, "invalid_input"],
      ["sendMessage", { recipient: bob.id, content: "hello", sender: bob.id }, "forbidden"],
      ["join", { userId: bob.id }, "forbidden"],
      ["sendLove", {}, "unknown_event"],
    ];
    for (const [event, form, code] of refusals) {
      const answer = await socket.emitWithAck(event, form);
      assert.deepEqual([answer.ok, answer.code], [false, code]);
      assert.ok(answer.error && answer.requestId);
    }
    assert.equal((await socket.sends(bob, "hello")).message.seq, 1);
    return [socket];
  },

  async comesBack() {
    const socket = await connected(ann);
    if (mode === "default") await upgraded(socket);
    const bobs = await connected(bob);
    await socket.sends(bob, "before");
    const lost = within(happens(socket, "disconnect"), "the end of the connection");
    const back = within(happens(socket, "connect"), "its return");
    socket.io.engine.write("9 is no packet of Socket.IO");
    assert.ok(["transport close", "transport error"].includes(await lost));
    await back;
    await socket.sends(bob, "after");
    const heard = await bobs.hears(2);
    assert.deepEqual(heard.map((message) => message.content), ["before", "after"]);
    await bobs.sends(ann, "welcome back");
    assert.equal((await socket.hears(1))[0].content, "welcome back");
    return [socket, bobs];
  },

  async outlivesTheServer() {
    const [anns, bobs] = await Promise.all([connected(ann), connected(bob)]);
    const first = await anns.sends(bob, "before", { clientId: "first" });
    await bobs.hears(1);
    const back = [anns, bobs].map((socket) => happens(socket, "disconnect").then(() => happens(socket, "connect")));
    console.log("ready");
    await within(Promise.all(back), "both to return");
    assert.deepEqual(await anns.sends(bob, "before", { clientId: "first" }), first);
    const second = await anns.sends(bob, "after");
    assert.deepEqual(await bobs.hears(2), [first.message, second.message]);
    return [anns, bobs];
  },

  async keepsOrder() {
    const [anns, bobs] = await Promise.all([connected(ann), connected(bob)]);
    const answers = await Promise.all(numbers(AS_MANY).map((number) => anns.sends(bob, `${number}`)));
    const heard = await bobs.hears(AS_MANY);
    assert.deepEqual(heard.map((message) => Number(message.content)), numbers(AS_MANY));
    assert.deepEqual(heard.map((message) => message.seq), numbers(AS_MANY));
    assert.deepEqual(answers.map((answer) => answer.message), heard);
    return [anns, bobs];
  },

  async upgradesWhileMessagesFlow() {
    const bobs = await connected(bob, MODES.websocket);
    const sockets = [bobs];
    const accepted = [];
    let newest = 0;
    for (const round of numbers(10)) {
      // The default options, but the WebSocket is not opened before the first messages are on their way.
      let mayUpgrade;
      const flowing = new Promise((resolve) => (mayUpgrade = resolve));
      class LateWebSocket extends NodeWebSocket {
        doOpen() {
          flowing.then(() => super.doOpen());
        }
      }
      const anns = await connected(ann, { transports: [NodeXHR, LateWebSocket] });
      sockets.push(anns);
      const engine = anns.io.engine;
      const sent = { polling: 0, websocket: 0 };
      const answers = [];
      while (sent.websocket < 20) {
        assert.ok(sent.polling < 20_000, "it never upgrades");
        sent[engine.transport.name] += 1;
        if (sent.polling === 2 * round) mayUpgrade();
        answers.push(anns.sends(bob, `to Bob ${round}`));
        bobs.emit("sendMessage", { recipient: ann.id, content: `to Ann ${round}` });
        // On and on, with some on their way at every moment, but no more than a server must take at once.
        await Promise.all([setImmediate(), answers.at(-IN_FLIGHT)]);
      }
      assert.ok(sent.polling >= 2 * round, "messages were on their way before it upgraded");
      const acknowledged = (await Promise.all(answers)).map((answer) => answer.message.seq);
      const last = await bobs.sends(ann, "last");
      const heard = (await anns.hears(answers.length + 1)).map((message) => message.seq);
      assert.ok(isRising(acknowledged) && isRising(heard));
      assert.equal(heard.at(-1), last.message.seq);
      // Together they are every number there is: nothing was lost or doubled.
      const all = [...acknowledged, ...heard].sort((one, other) => one - other);
      assert.deepEqual(all, numbers(all.length).map((number) => newest + number));
      newest += all.length;
      accepted.push(...acknowledged);
      anns.disconnect();
    }
    assert.deepEqual((await bobs.hears(accepted.length)).map((message) => message.seq), accepted);
    return sockets;
  },
};

for (const socket of await scenarios[scenario]()) socket.disconnect();
console.log("done");
