/** The row that a key leads to, of so many; null where the key means none. `at` is -1 above the first row. */
export function rowAfter(code: string, at: number, rows: number): number | null {
  // By the key's place, which is the same on a Cyrillic keyboard.
  const step = { KeyJ: 1, KeyK: -1 }[code];
  if (step === undefined || rows === 0) return null;
  return Math.min(rows - 1, Math.max(0, at + step));
}

/**
 * Within a table `j` goes to the next row and `k` to the one before, to the first thing that can be pressed there. Only
 * while the keyboard is in the table, so that nobody who types or speaks sets it off elsewhere (WCAG 2.1.4).
 */
export function rowKeys(host: HTMLElement): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...host.querySelectorAll<HTMLElement>('tbody tr')];
    const next = rowAfter(event.code, rows.findIndex((row) => row.contains(document.activeElement)), rows.length);
    if (next === null) return;
    event.preventDefault();
    rows[next]?.querySelector<HTMLElement>('input:enabled, button:enabled, a')?.focus();
  };
  host.addEventListener('keydown', pressed);
  return () => host.removeEventListener('keydown', pressed);
}
