/** A live connection, whatever carries it. `closed` is called once, and never after `close()`. */
export interface Stream {
  close(): void;
}

export interface StreamHandlers {
  frame(text: string): void;
  closed(): void;
}

export type OpenStream = (url: string, handlers: StreamHandlers) => Stream;

/** The text of a zlib stream. */
async function inflated(bytes: ArrayBuffer): Promise<string> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
}

/** WebSocket; where the browser can inflate, frames come deflated where that saves bytes. */
export const openSocket: OpenStream = (url, handlers) => {
  const absolute = new URL(url, location.href);
  absolute.protocol = absolute.protocol === 'https:' ? 'wss:' : 'ws:';
  if ('DecompressionStream' in globalThis) absolute.searchParams.set('encoding', 'deflate');
  const socket = new WebSocket(absolute);
  socket.binaryType = 'arraybuffer';
  let open = true;
  /** Frames that are still being inflated: they are handed on in the order in which they came. */
  let before: Promise<void> | null = null;
  const closed = () => {
    if (!open) return;
    open = false;
    handlers.closed();
  };
  const hand = (text: string) => open && handlers.frame(text);
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === 'string' && before === null) return void hand(data);
    const mine: Promise<void> = Promise.all([typeof data === 'string' ? data : inflated(data), before])
      .then(([text]) => {
        if (before === mine) before = null;
        hand(text);
      })
      .catch(() => {
        socket.close();
        closed();
      });
    before = mine;
  };
  socket.onclose = closed;
  // Where a page's policy forbids the connection, some browsers say no more than this.
  socket.onerror = closed;
  return {
    close() {
      open = false;
      socket.close();
    },
  };
};

/** Server-sent events, for networks whose proxies do not let WebSocket through. */
export const openEvents: OpenStream = (url, handlers) => {
  const source = new EventSource(url);
  const frame = (event: MessageEvent<string>) => handlers.frame(event.data);
  for (const type of ['message', 'snapshot', 'delta', 'ping']) source.addEventListener(type, frame);
  // The browser would reconnect by itself, with the first position; we come back with the one we hold.
  source.onerror = () => {
    source.close();
    handlers.closed();
  };
  return { close: () => source.close() };
};
