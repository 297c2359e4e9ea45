// @ts-check
/** A client in a program: any WebSocket client does, such as this one, ws. */
import { WebSocket } from 'ws';

const [url = 'ws://localhost:8080/ws', everyMs = '2000'] = process.argv.slice(2);
const socket = new WebSocket(url);
/** @type {NodeJS.Timeout | undefined} */
let ticker;
socket.on('open', () => {
  ticker = setInterval(() => socket.send(Buffer.from('ping')), Number(everyMs));
});
socket.on('message', (data) => console.log(`received message: ${data}`));
socket.on('error', (error) => console.error(error.message));
socket.on('close', (code) => {
  clearInterval(ticker);
  process.exitCode = code === 1000 ? 0 : 1;
});
process.once('SIGINT', () => socket.close(1000));
