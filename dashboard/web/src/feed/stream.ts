/** A live connection, whatever carries it. `closed` is called once, and never after `close()`. */
export interface Stream {
  close(): void;
}

export interface StreamHandlers {
  frame(text: string): void;
  closed(): void;
}

export type OpenStream = (url: string, handlers: StreamHandlers) => Stream;

/** WebSocket; `url` is a path on the page's own origin. */
export const openSocket: OpenStream = (url, handlers) => {
  const absolute = new URL(url, location.href);
  absolute.protocol = absolute.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(absolute);
  let open = true;
  socket.onmessage = (event) => open && typeof event.data === 'string' && handlers.frame(event.data);
  socket.onclose = () => {
    if (!open) return;
    open = false;
    handlers.closed();
  };
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
