import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from './route.svelte';

describe('addresses', () => {
  it('say everything that can be shared, and read back the same', () => {
    const address = {
      election: 'kg-demo',
      unit: 'region:osh',
      contest: 'list',
      mode: 'turnout',
      source: 'protocols',
      view: 'table',
      lang: 'ru',
    } as const;
    const url = new URL(formatAddress(address), 'http://page');
    expect(url.pathname).toBe('/kg-demo');
    expect(parseAddress(url.pathname, url.search)).toEqual(address);
  });

  it('leave out what a plain visit has', () => {
    expect(formatAddress(parseAddress('/', ''))).toBe('/');
  });

  it('take what they do not understand for nothing', () => {
    expect(parseAddress('/<script>', '?unit=planet:mars&mode=x&lang=xx&source=y&contest=%00&view=z')).toEqual(
      parseAddress('/', ''),
    );
  });
});
