import type { WebSocketRoute } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Frame, Snapshot } from '../src/feed/types';
import { contextOf, type Size } from './browser';
import { frameOf } from './frames';
import { NewsPage } from './host';
import { api, base, browser, definition, digits, json, SCREENSHOTS, watched } from './night';

/** What a table of results may weigh in all: program, style and figures, as they come over the wire. */
const TABLE_BYTES = 30_000;
/** Until an element says that it has lost its connection. */
const STALE_MS = 45_000;
const KINDS = ['map', 'results', 'turnout', 'progress'] as const;
const script = `<script src="${base}/embed/sanak.js" async></script>`;
const elements = (attributes = '') => KINDS.map((kind) => `<sanak-${kind} ${attributes}></sanak-${kind}>`).join('');
watched('the end');

async function withNews<T>(
  body: string,
  look: (news: NewsPage) => Promise<T>,
  { size = 'laptop' as Size, dark = false, scripted = true, ...more }: { size?: Size; dark?: boolean; scripted?: boolean } & Parameters<typeof NewsPage.open>[3] = {},
): Promise<T> {
  const context = scripted ? await contextOf(browser, size, dark) : await browser.newContext({ javaScriptEnabled: false });
  const news = await NewsPage.open(context, base, body, more);
  try {
    return await look(news);
  } finally {
    await news.close();
    await context.close();
  }
}

describe('on a page of another origin under a strict policy', () => {
  it('all four elements show the figures of the api, with credit, licence, and what they must not be taken for', async () => {
    const { units } = await json<Snapshot>(`${api}/results`);
    const country = units.find(({ id }) => id === 'country');
    const national = definition.contests.find(({ scope }) => scope === 'country');
    const seen = await withNews(script + elements(), async (news) => {
      const { page } = news;
      for (const kind of KINDS) {
        await page.locator(`sanak-${kind}`).scrollIntoViewIfNeeded();
        await page.locator(`sanak-${kind} footer time`).waitFor();
      }
      await page.locator('sanak-map path[data-unit]').first().waitFor();
      const results = page.locator('sanak-results');
      return {
        votes: Object.fromEntries(
          await results.locator('tr[data-option]').evaluateAll((rows) => rows.map((row) => [(row as HTMLElement).dataset['option'], row.querySelector('[data-figure="votes"]')?.textContent])),
        ),
        ballots: await results.locator('[data-figure="ballots"]').textContent(),
        identified: await page.locator('sanak-turnout [data-figure="identified"]').textContent(),
        regions: await page.locator('sanak-map path[data-unit]').count(),
        rows: await page.locator('sanak-map tr[data-unit]').count(),
        texts: await Promise.all(KINDS.map(async (kind) => (await page.locator(`sanak-${kind} .root`).textContent()) ?? '')),
        errors: news.errors,
        foreign: news.requested.filter((url) => ![base, news.origin].includes(new URL(url).origin)),
        cookies: await page.context().cookies(),
        stored: await page.evaluate(() => localStorage.length + sessionStorage.length),
      };
    });
    const votes = country?.contests[national?.id ?? '']?.urns.votes ?? {};
    for (const [option, figure] of Object.entries(seen.votes)) expect(digits(figure as string | null)).toBe(votes[option]);
    expect(Object.values(seen.votes).length).toBeGreaterThan(2);
    expect(digits(seen.ballots)).toBe(country?.contests[national?.id ?? '']?.urns.ballots);
    expect(digits(seen.identified)).toBe(country?.turnout.identified);
    const regions = definition.units.filter(({ kind }) => kind === 'region').length;
    expect([seen.regions, seen.rows]).toEqual([regions, regions]);
    for (const text of seen.texts) for (const word of ['Simulation', 'Preliminary', 'Sanak', definition.data_licence]) expect(text).toContain(word);
    expect(seen.texts[0]).toContain('Boundaries are approximate.');
    expect({ errors: seen.errors, foreign: seen.foreign, cookies: seen.cookies, stored: seen.stored }).toEqual({ errors: [], foreign: [], cookies: [], stored: 0 });
  });

  it('a frame shows the same and is as high as it says, also under a name of its own', async () => {
    const frames = KINDS.map((kind) => `<iframe src="${base}/embed/${kind}?lang=ru&theme=light" width="600" height="150" title="${kind}"></iframe>`).join('');
    await withNews(script + frames, async ({ page, errors }) => {
      for (const kind of KINDS) {
        const frame = page.frameLocator(`iframe[title="${kind}"]`);
        await page.locator(`iframe[title="${kind}"]`).scrollIntoViewIfNeeded();
        await frame.locator('footer time').waitFor();
        await page.waitForFunction((title) => (document.querySelector<HTMLIFrameElement>(`iframe[title="${title}"]`)?.clientHeight ?? 0) > 200, kind);
        const inner = await frame.locator('body').evaluate((body) => body.getBoundingClientRect().height);
        const outer = await page.locator(`iframe[title="${kind}"]`).evaluate((iframe) => iframe.clientHeight);
        expect(Math.abs(outer - inner)).toBeLessThanOrEqual(1);
        expect(await frame.locator('.marks').textContent()).toContain('Тестовые данные');
      }
      expect(errors).toEqual([]);
    });
  });

  it('a message of another origin moves no frame', async () => {
    const frame = `<iframe src="${base}/embed/turnout" width="600" height="150" title="turnout"></iframe>`;
    await withNews(script + frame, async ({ page }) => {
      await page.frameLocator('iframe').locator('footer time').waitFor();
      await page.waitForTimeout(500);
      const height = () => page.locator('iframe').evaluate((iframe) => iframe.clientHeight);
      const before = await height();
      await page.evaluate(() => postMessage({ sanak: 'height', height: 3000 }, '*'));
      await page.waitForTimeout(300);
      expect(await height()).toBe(before);
    });
  });

  it('a table of results without the map weighs less than 30 kB in all', async () => {
    const bytes = await withNews(`${script}<sanak-results></sanak-results>`, async (news) => {
      await news.page.locator('sanak-results tr[data-option]').first().waitFor();
      return news.bytes;
    });
    console.info(`a table of results: ${bytes} bytes over the wire`);
    expect(bytes).toBeLessThan(TABLE_BYTES);
  });

  it('what the connection brought last stays when it is lost, and says how old it is; a pause is a pause', async () => {
    let lost = false;
    const sockets: WebSocketRoute[] = [];
    const prepare = (page: NewsPage['page']) =>
      page.routeWebSocket(/\/live/, (socket) => {
        if (lost) return void socket.close();
        socket.connectToServer();
        sockets.push(socket);
      });
    await withNews(`${script}<sanak-results lang="en"></sanak-results><sanak-turnout lang="en"></sanak-turnout>`, async ({ page }) => {
      await page.locator('sanak-results tr[data-option]').first().waitFor();
      await page.locator('sanak-turnout footer time').waitFor();
      const pause = page.locator('sanak-turnout button');
      await pause.focus();
      await page.keyboard.press('Enter');
      expect(await pause.getAttribute('aria-pressed')).toBe('true');
      expect(await page.locator('sanak-turnout .notice').textContent()).toBe('Updates are paused.');
      let asked = 0;
      await page.route('**/summary*', (route) => {
        asked += 1;
        return route.abort();
      });
      lost = true;
      for (const socket of sockets) await socket.close();
      await page.waitForFunction(() => document.querySelector('sanak-results')?.shadowRoot?.querySelector('.notice')?.textContent?.startsWith('No connection for'), null, { timeout: STALE_MS });
      expect(await page.locator('sanak-results tr[data-option]').count()).toBeGreaterThan(2);
      expect(asked).toBeGreaterThan(0);
      await page.unroute('**/summary*');
      lost = false;
      await page.waitForFunction(() => document.querySelector('sanak-results')?.shadowRoot?.querySelector<HTMLElement>('.notice')?.hidden, null, { timeout: STALE_MS });
    }, { prepare });
  });

  it('figures come through a socket, for several elements through one, and are asked for once', async () => {
    const heard: Frame[] = [];
    const sockets: { route: WebSocketRoute; url: string }[] = [];
    const prepare = (page: NewsPage['page']) =>
      page.routeWebSocket(/\/live/, (route) => {
        sockets.push({ route, url: route.url() });
        route.connectToServer().onMessage((message) => {
          heard.push(frameOf(message));
          route.send(message);
        });
      });
    await withNews(`${script}<sanak-results lang="en"></sanak-results><sanak-turnout lang="en"></sanak-turnout>`, async ({ page, requested, errors }) => {
      const figure = page.locator('sanak-turnout [data-figure="identified"]');
      await page.locator('sanak-results tr[data-option]').first().waitFor();
      await figure.waitFor();
      const before = digits(await figure.textContent());
      // A ping of the real feed says which version is held: what comes next is made of it.
      await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThan(0);
      const country = (await json<Snapshot>(`${api}/results`)).units.find(({ id }) => id === 'country');
      if (!country) throw new Error('no country');
      const { version, ...header } = heard.at(-1) ?? ({} as Frame);
      const moved = { ...country, turnout: { ...country.turnout, identified: before + 1234 } };
      sockets[0]?.route.send(JSON.stringify({ ...header, type: 'delta', from: version, version: version + 1, units: [moved] }));
      await expect.poll(async () => digits(await figure.textContent())).toBe(before + 1234);
      expect(requested.filter((url) => url.includes('/summary'))).toHaveLength(1);
      expect(sockets.map(({ url }) => new URL(url).searchParams.get('units'))).toEqual(['country']);
      expect(new URL(sockets[0]?.url ?? '').searchParams.get('encoding')).toBe('deflate');
      expect(errors).toEqual([]);
    }, { prepare });
  });

  it('figures are asked for again and again where sockets are refused, by a network or by the policy of the page', async () => {
    const refused = (page: NewsPage['page']) => page.routeWebSocket(/\/live/, (socket) => void socket.close());
    for (const more of [{ prepare: refused }, { sockets: false }]) {
      await withNews(`${script}<sanak-results lang="en"></sanak-results>`, async ({ page, requested, errors }) => {
        await page.locator('sanak-results tr[data-option]').first().waitFor();
        const asked = () => requested.filter((url) => url.includes('/summary')).length;
        await expect.poll(asked, { timeout: 30_000 }).toBeGreaterThan(3);
        expect(await page.locator('sanak-results .notice').isHidden()).toBe(true);
        // A policy that forbids sockets is tried once, and not again.
        expect(errors.filter((error) => error.includes('Content Security Policy')).length).toBeLessThanOrEqual('sockets' in more ? 1 : 0);
      }, more);
    }
  });

  it('attributes choose contest, unit, language, theme and colours; one that makes no sense is passed over', async () => {
    const district = definition.contests.find(({ kind }) => kind === 'single_member');
    const region = definition.units.find(({ kind }) => kind === 'region');
    const body = `${script}
      <sanak-results id="a" contest="${district?.id}" lang="ky"></sanak-results>
      <sanak-results id="b" unit="${region?.id}" lang="ru" theme="dark" ink="#ffffff" ground="#102030" accent="javascript:alert(1)"></sanak-results>
      <sanak-map id="c" contest="${district?.of}" mode="reported"></sanak-map>
      <sanak-results id="d" election="no-such-election"></sanak-results>`;
    await withNews(body, async ({ page }) => {
      await page.locator('#a tr[data-option]').first().waitFor();
      expect(await page.locator('#a tr[data-option]').count()).toBe(district?.options.filter(({ status }) => status === 'active').length);
      await page.locator('#b tr[data-option]').first().waitFor();
      expect(await page.locator('#b h3').textContent()).toContain(region?.name?.ru);
      expect(await page.locator('#b .root').evaluate((root) => getComputedStyle(root).backgroundColor)).toBe('rgb(16, 32, 48)');
      expect(await page.locator('#b .root').evaluate((root) => (root as HTMLElement).style.getPropertyValue('--accent'))).toBe('');
      await page.locator('#c').scrollIntoViewIfNeeded();
      await page.locator('#c path[data-unit]').first().waitFor();
      expect(await page.locator('#c path[data-unit]').count()).toBe(definition.units.filter(({ kind }) => kind === 'district').length);
      await page.locator('#c .map').focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('#c .readout').textContent()).not.toBe('');
      await page.locator('#d').scrollIntoViewIfNeeded();
      await page.waitForFunction(() => document.querySelector('#d')?.shadowRoot?.querySelector('.notice')?.textContent === 'There is no such election, contest or unit here.');
    });
  });
});

describe('names', () => {
  const NAMES = ['<img src=x onerror="alert(1)">', '"\'><script>alert(1)</script>', '\u202eгнивторп\u202c \u200f', 'Ө'.repeat(200), 'word '.repeat(40)];

  it('with markup, quotes, right-to-left marks or 200 characters are text, and break no telephone', async () => {
    const hostile = async (page: NewsPage['page']) => {
      await page.route('**/summary*', async (route) => {
        const answer = await (await route.fetch()).json();
        answer.definition.contests[0].options.forEach((option: { name: unknown }, at: number) => {
          const name = NAMES[at % NAMES.length];
          option.name = { ky: name, ru: name, en: name };
        });
        answer.definition.name = { ky: NAMES[0], ru: NAMES[0], en: NAMES[0] };
        await route.fulfill({ json: answer, headers: { 'access-control-allow-origin': '*' } });
      });
    };
    await withNews(
      script + elements('lang="en"'),
      async ({ page, errors }) => {
        for (const kind of KINDS) {
          await page.locator(`sanak-${kind}`).scrollIntoViewIfNeeded();
          await page.locator(`sanak-${kind} footer time`).waitFor();
        }
        const found = await page.evaluate(() => [...document.querySelectorAll('*')].map(({ shadowRoot }) => shadowRoot?.querySelectorAll('img, script').length ?? 0).reduce((a, b) => a + b, 0));
        expect(found).toBe(0);
        expect(await page.locator('sanak-results .name').first().textContent()).toMatch(/img src|script|гнивторп|ӨӨ|word/);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        await page.setViewportSize({ width: 320, height: 640 });
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        expect(errors).toEqual([]);
      },
      { size: 'phone', prepare: hostile },
    );
  });
});

describe('without script', () => {
  it('a frame reads as a table', async () => {
    await withNews(`<iframe src="${base}/embed/results?lang=en" width="600" height="600" title="results"></iframe>`, async ({ page }) => {
      const frame = page.frameLocator('iframe');
      await frame.locator('table').first().waitFor();
      const text = (await frame.locator('body').textContent()) ?? '';
      for (const word of ['Simulation', 'Preliminary', definition.data_licence, 'Ballots cast']) expect(text).toContain(word);
    }, { scripted: false });
  });

  it('the main pages read as tables, in the language of the link, and lead to one another', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
    const page = await context.newPage();
    const region = definition.units.find(({ kind }) => kind === 'region');
    const raion = definition.units.find(({ kind }) => kind === 'raion');
    const district = definition.units.find(({ kind }) => kind === 'district');
    const { precincts } = { precincts: (await json<{ precinct: number }[]>(`${api}/places`)).slice(0, 1) };
    const paths = ['', ...[region, raion, district].map((unit) => `/${unit?.id.replace(':', '/')}`), `/precinct/${precincts[0]?.precinct}`, '/contest/single', '/missing', '/quarantine', '/corrections'];
    for (const path of paths) {
      for (const lang of ['ky', 'ru', 'en']) {
        const response = await page.goto(`${base}/${definition.id}${path}?lang=${lang}`);
        expect(response?.status()).toBe(200);
        const text = await page.locator('#plain').innerText();
        expect(text).toContain({ ky: 'Тесттик маалымат', ru: 'Тестовые данные', en: 'Simulation' }[lang]);
        if (!['/missing', '/corrections'].includes(path)) expect(await page.locator('#plain table').count()).toBeGreaterThan(0);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth).catch(() => 0)).toBeLessThanOrEqual(0);
      }
    }
    await page.goto(`${base}/${definition.id}?lang=en`);
    const { units } = await json<Snapshot>(`${api}/results`);
    const country = units.find(({ id }) => id === 'country');
    expect(digits(await page.locator('#plain tr:has-text("Identified voters") td').first().textContent())).toBe(country?.turnout.identified);
    await page.locator(`#plain a:has-text("${region?.name?.en}")`).click();
    expect(await page.locator('#plain h1').textContent()).toBe(region?.name?.en);
    await page.screenshot({ path: `${SCREENSHOTS}plain-phone-light-en.png`, fullPage: true });
    await context.close();
  });
});

describe('the look', () => {
  it('is pictured in sizes, themes and languages, and never wider than the screen', async () => {
    const looks = [['laptop', false, 'ru'], ['laptop', true, 'en'], ['phone', false, 'ky'], ['phone', true, 'ru']] as const;
    for (const [size, dark, lang] of looks) {
      const frames = KINDS.map((kind) => `<p><iframe src="${base}/embed/${kind}?lang=${lang}" width="100%" height="400" title="${kind}"></iframe></p>`).join('');
      await withNews(script + frames, async ({ page }) => {
        for (const kind of KINDS) {
          await page.locator(`iframe[title="${kind}"]`).scrollIntoViewIfNeeded();
          await page.frameLocator(`iframe[title="${kind}"]`).locator('footer time').waitFor();
        }
        // Frames out of view are not drawn: everything is brought into view.
        const { width } = page.viewportSize() ?? { width: 0 };
        await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
        await page.waitForTimeout(1500);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        await page.screenshot({ path: `${SCREENSHOTS}embeds-${size}-${dark ? 'dark' : 'light'}-${lang}.png` });
      }, { size, dark });
    }
  });
});
