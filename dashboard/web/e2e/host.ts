import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';

interface Preparation {
  prepare?: ((page: Page) => Promise<void>) | undefined;
  /** Whether its policy names the results' sockets beside their origin. */
  sockets?: boolean;
}

/** A newspaper's page: another origin, and a policy that lets nothing in but what the server of the results sends. */
export class NewsPage {
  readonly errors: string[] = [];
  readonly requested: string[] = [];
  bytes = 0;

  private constructor(
    readonly page: Page,
    readonly origin: string,
    private readonly server: Server,
  ) {}

  /** Serves `body` at a free port and opens it. */
  static async open(context: BrowserContext, results: string, body: string, { prepare, sockets = true }: Preparation = {}): Promise<NewsPage> {
    const policy = [
      "default-src 'none'",
      `script-src ${results}`,
      `connect-src ${results}${sockets ? ` ${results.replace(/^http/, 'ws')}` : ''}`,
      `frame-src ${results}`,
      "style-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; ');
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>News</title></head><body>${body}</body></html>`;
    const server = createServer((request, response) => {
      if (request.url !== '/') return void response.writeHead(204).end();
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const page = await context.newPage();
    const news = new NewsPage(page, origin, server);
    page.on('pageerror', (error) => news.errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && news.errors.push(message.text()));
    page.on('request', (request) => news.requested.push(request.url()));
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    network.on('Network.loadingFinished', ({ encodedDataLength }) => (news.bytes += encodedDataLength));
    await prepare?.(page);
    await page.goto(origin);
    return news;
  }

  async close(): Promise<void> {
    await this.page.close();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
