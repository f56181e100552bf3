import type { Page } from 'playwright-core';

/** The figures of the country as the page shows them, and the version they are of. */
export interface Shown {
  version: string;
  votes: Record<string, number>;
  ballots: number;
  invalid: number;
  identified: number;
}

/** The public page as a reader sees it. */
export class PublicPage {
  readonly errors: string[] = [];
  readonly foreign: string[] = [];
  navigations = 0;

  constructor(
    readonly page: Page,
    private readonly base: string,
  ) {
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && this.errors.push(message.text()));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== new URL(this.base).origin) this.foreign.push(request.url());
    });
    page.on('framenavigated', (frame) => {
      if (frame === page.mainFrame()) this.navigations += 1;
    });
  }

  /** Opens the election's front page with a query, or the page at a path. */
  async open(address = ''): Promise<void> {
    await this.page.goto(`${this.base}${address.startsWith('/') ? address : `/${address}`}`);
    await this.page.waitForSelector('time[data-version]');
  }

  /** Until the map's level in view is drawn. */
  async mapDrawn(): Promise<void> {
    await this.page.waitForSelector('.pane [aria-busy="true"]', { state: 'detached' });
    // A flight to a unit brings another level into view, which is then drawn: drawn three times in a row is drawn.
    for (let quiet = 0; quiet < 3; ) {
      await this.page.waitForSelector('.pane canvas[data-drawn]', { state: 'attached' });
      await this.page.waitForTimeout(500);
      quiet = (await this.page.locator('.pane canvas[data-drawn]').count()) > 0 ? quiet + 1 : 0;
    }
  }

  async votesShown(timeout: number): Promise<void> {
    await this.page.waitForSelector('tr[data-option]', { timeout });
  }

  async openBelowThreshold(): Promise<void> {
    const button = this.page.locator('button.below[aria-expanded="false"]');
    if ((await button.count()) > 0) await button.click();
  }

  shown(): Promise<Shown> {
    return this.page.evaluate(() => {
      const digits = (element: Element | null) => Number((element?.textContent ?? '').replace(/\D/g, ''));
      const figure = (name: string) => digits(document.querySelector(`[data-figure="${name}"]`));
      const rows = [...document.querySelectorAll<HTMLElement>('tr[data-option]')];
      return {
        version: document.querySelector<HTMLElement>('time[data-version]')?.dataset['version'] ?? '',
        votes: Object.fromEntries(
          rows.map((row) => [row.dataset['option'] ?? '', digits(row.querySelector('[data-figure="votes"]'))]),
        ),
        ballots: figure('ballots'),
        invalid: figure('invalid'),
        identified: figure('identified'),
      };
    });
  }

  /** Time and share of the header, and what the curve says of its last point, at one moment. */
  lastPoint(): Promise<{ time: string; share: string; curve: string }> {
    return this.page.evaluate(() => {
      const text = (selector: string) => document.querySelector(selector)?.textContent?.trim() ?? '';
      return { time: text('time[data-version]'), share: text('header .share dd'), curve: text('figure .readout') };
    });
  }

  async search(text: string): Promise<void> {
    await this.page.locator('[role="combobox"]').fill(text);
    await this.page.locator('[role="option"]').first().waitFor();
    await this.page.keyboard.press('Enter');
  }

  heading(): Promise<string> {
    return this.page.locator('#results h2').evaluate((heading) => heading.firstChild?.textContent?.trim() ?? '');
  }

  /** By how many px the page is wider than its window. */
  overflow(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  }
}
