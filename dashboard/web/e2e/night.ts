import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Definition, ElectionSummary, Snapshot } from '../src/feed/types';
import { contextOf, launch, serverUrl, type Size } from './browser';
import { PublicPage } from './public-page';

/** Longest that a night may last, ms. */
export const NIGHT_MS = 600_000;
export const SCREENSHOTS = fileURLToPath(new URL('../../../build/screenshots/', import.meta.url));
export const base = serverUrl();

/** One browser for the tests of a file, and the election of the server it looks at; there once `watched` has begun. */
export let browser: Browser;
export let api: string;
export let definition: Definition;

export async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

/** A figure as it is written on a page. */
export const digits = (text: string | null | undefined) => Number((text ?? '').replace(/\D/g, ''));

/** Until the count is over: what is compared with the API then stands still. */
async function counted(): Promise<void> {
  const deadline = Date.now() + NIGHT_MS;
  for (;;) {
    const { status } = await json<Snapshot>(`${api}/results`);
    if (status === 'complete' || status === 'certified') return;
    if (Date.now() > deadline) throw new Error(`the night did not end: ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Around the tests of a file: from the first moment on, or once the count is over. */
export function watched(from: 'the beginning' | 'the end', more?: () => Promise<void>): void {
  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const [election] = await json<ElectionSummary[]>(`${base}/api/v1/elections`);
    if (!election) throw new Error('the server has no election');
    api = `${base}/api/v1/elections/${election.id}`;
    definition = await json<Definition>(`${api}?keys=false`);
    browser = await launch();
    if (from === 'the end') await counted();
    await more?.();
  }, NIGHT_MS + 60_000);
  afterAll(() => browser?.close());
}

/** Opens an address of the page in a window of its own; neither an error nor another site may come of it. */
export async function on<T>(size: Size, address: string, look: (page: PublicPage) => Promise<T>, dark = false): Promise<T> {
  const context = await contextOf(browser, size, dark);
  const page = new PublicPage(await context.newPage(), base);
  try {
    await page.open(address);
    const seen = await look(page);
    expect(page.errors).toEqual([]);
    expect(page.foreign).toEqual([]);
    return seen;
  } finally {
    await context.close();
  }
}
