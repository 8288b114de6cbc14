// The reference: the chat back end most Node tutorials arrive at (Express, Mongoose, Socket.IO, JWT, bcrypt), written
// as a careful person would write it. It is here to be measured, so it does nothing it need not do: one insert per
// message and no other database call, an index for every query, lean reads, plain objects on the wire, one process.
import http from "node:http";

import bcrypt from "bcryptjs";
import express from "express";
import jwt from "jsonwebtoken";
import mongoose from "mongoose";
import { Server } from "socket.io";

const { MONGO_URI, JWT_SECRET, PORT = "5000", BCRYPT_ROUNDS = "12" } = process.env;
if (!MONGO_URI || !JWT_SECRET) throw new Error("MONGO_URI and JWT_SECRET are required");

const { ObjectId } = mongoose.Schema.Types;

const User = mongoose.model(
  "User",
  new mongoose.Schema(
    {
      username: { type: String, required: true, unique: true },
      email: { type: String, required: true },
      password: { type: String, required: true },
    },
    { timestamps: true },
  ),
);

// An acknowledged message is on disk: the same durability Fireside gives.
const Message = mongoose.model(
  "Message",
  new mongoose.Schema(
    {
      sender: { type: ObjectId, ref: "User", required: true },
      recipient: { type: ObjectId, ref: "User", required: true },
      content: { type: String, required: true },
      timestamp: { type: Date, default: Date.now },
    },
    { writeConcern: { w: "majority", j: true } },
  ).index({ sender: 1, recipient: 1, timestamp: 1 }),
);

const userOnWire = ({ _id, username, email, createdAt }) => ({ _id: _id.toString(), username, email, createdAt });

const messageOnWire = ({ _id, sender, recipient, content, timestamp }) => ({
  _id: _id.toString(),
  sender: sender.toString(),
  recipient: recipient.toString(),
  content,
  timestamp: timestamp.toISOString(),
});

const sessionFor = (user) => ({
  user: userOnWire(user),
  token: jwt.sign({ id: user._id.toString() }, JWT_SECRET, { expiresIn: "1d" }),
});

const userIdOf = (token) => jwt.verify(token, JWT_SECRET, { algorithms: ["HS256"] }).id;

// --- REST

const app = express();
app.use(express.json());

app.post("/api/users/register", async (req, res) => {
  const { username, password, email } = req.body ?? {};
  if (!username || !password || !email) return res.status(400).json({ error: "username, password and email are required" });
  const user = await User.create({ username, email, password: await bcrypt.hash(password, Number(BCRYPT_ROUNDS)) });
  res.status(201).json(sessionFor(user));
});

app.post("/api/users/login", async (req, res) => {
  const { username, password } = req.body ?? {};
  const user = await User.findOne({ username: String(username) }).lean();
  if (!user || !(await bcrypt.compare(String(password), user.password))) {
    return res.status(401).json({ error: "Invalid credentials" });
  }
  res.json(sessionFor(user));
});

const requireUser = (req, res, next) => {
  try {
    req.userId = userIdOf((req.headers.authorization ?? "").replace(/^Bearer /, ""));
  } catch {
    return res.status(401).json({ error: "Invalid token" });
  }
  next();
};

app.get("/api/chat/messages", requireUser, async (req, res) => {
  const { sender, recipient } = req.query;
  if (req.userId !== sender && req.userId !== recipient) return res.status(404).json({ error: "Not found" });
  const messages = await Message.find({
    $or: [
      { sender, recipient },
      { sender: recipient, recipient: sender },
    ],
  })
    .sort({ timestamp: 1 })
    .lean();
  res.json(messages.map(messageOnWire));
});

app.use((error, req, res, next) => {
  if (error.code === 11000) return res.status(409).json({ error: "Username is taken" });
  if (error.name === "ValidationError" || error.name === "CastError") return res.status(400).json({ error: error.message });
  console.error(error);
  res.status(500).json({ error: "Internal error" });
});

// --- Socket.IO (defaults: permessage-deflate is off)

const server = http.createServer(app);
const io = new Server(server);

io.use((socket, next) => {
  try {
    socket.data.userId = userIdOf(socket.handshake.auth.token);
    next();
  } catch {
    next(new Error("Invalid token"));
  }
});

io.on("connection", (socket) => {
  const { userId } = socket.data;
  socket.join(userId);

  socket.on("join", (payload, ack) => {
    const ok = payload?.userId === userId;
    ack?.(ok ? { ok } : { ok, error: "Not your room", code: "not_found" });
  });

  // A group is a room: whoever joins it hears what is sent to its id. Who may is not looked at, and it is kept nowhere.
  socket.on("joinGroup", (payload, ack) => {
    socket.join(payload.group);
    ack?.({ ok: true });
  });

  socket.on("sendMessage", async (payload, ack) => {
    try {
      const { recipient, content } = payload;
      const message = messageOnWire(await Message.create({ sender: userId, recipient, content }));
      ack?.({ ok: true, message });
      io.to(recipient).emit("messageReceived", message);
    } catch (error) {
      ack?.({ ok: false, error: error.message, code: "invalid" });
    }
  });
});

await mongoose.connect(MONGO_URI);
await Promise.all([User.init(), Message.init()]);
server.listen(Number(PORT), "127.0.0.1", () => console.log(`reference listens on ${PORT}`));
