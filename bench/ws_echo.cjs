// SPDX-License-Identifier: Apache-2.0
// The peer of bench/websockets.py: npm ws as an echo server.  node ws_echo.cjs FOLDER-WITH-NODE_MODULES; prints its port.
const { WebSocketServer } = require(`${process.argv[2]}/node_modules/ws`);
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.send('{"message":"Welcome","fields":{"session":"bench","seq":1}}');
});
server.on("listening", () => console.log(server.address().port));
