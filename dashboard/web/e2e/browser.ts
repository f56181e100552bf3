import { chromium, type Browser, type BrowserContext } from 'playwright-core';

export const SIZES = {
  wall: { width: 1920, height: 1080 },
  laptop: { width: 1366, height: 768 },
  phone: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof SIZES;

/** Debian's Chromium, drawing WebGL in software. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--use-gl=angle',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

export function contextOf(browser: Browser, size: Size, dark: boolean): Promise<BrowserContext> {
  return browser.newContext({
    viewport: SIZES[size],
    colorScheme: dark ? 'dark' : 'light',
    isMobile: size === 'phone',
    hasTouch: size === 'phone',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
  });
}

/** The address of a running server, without a slash at its end. */
export function serverUrl(): string {
  const url = process.env['SANAK_URL'];
  if (!url) throw new Error('set SANAK_URL to the address of a running server, such as http://127.0.0.1:8080');
  return url.replace(/\/$/, '');
}
