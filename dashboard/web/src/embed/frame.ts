/** Height of a frame, said by its page to the page around it. */
interface HeightMessage {
  sanak: 'height';
  height: number;
}

const [LEAST, MOST] = [80, 4000];

function isHeight(data: unknown): data is HeightMessage {
  const { sanak, height } = (data ?? {}) as Partial<HeightMessage>;
  return sanak === 'height' && typeof height === 'number' && Number.isFinite(height);
}

/** On a page with frames of ours: each is as high as it says. Only what our own origin says is heard. */
export function fitFrames(origin: string): void {
  addEventListener('message', ({ data, origin: from, source }: MessageEvent<unknown>) => {
    if (from !== origin || !isHeight(data)) return;
    const frames = [...document.querySelectorAll('iframe')];
    const frame = frames.find(({ contentWindow }) => contentWindow === source);
    if (frame) frame.style.height = `${Math.min(MOST, Math.max(LEAST, Math.ceil(data.height)))}px`;
  });
}

/** In a frame: says its height to whoever is around; a height is no secret. */
export function tellHeight(): void {
  if (parent === self || !('sanakFrame' in document.documentElement.dataset)) return;
  const tell = () => {
    const message: HeightMessage = { sanak: 'height', height: document.body.getBoundingClientRect().height };
    parent.postMessage(message, '*');
  };
  new ResizeObserver(tell).observe(document.body);
}
