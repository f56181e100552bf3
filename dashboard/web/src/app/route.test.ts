import { describe, expect, it } from 'vitest';
import { EXTRAS, formatAddress, LISTS, parseAddress, type Address } from './route.svelte';

describe('addresses', () => {
  it('say everything that can be shared, and read back the same', () => {
    const address = {
      election: 'kg-demo',
      page: 'figures',
      unit: 'region:osh',
      contest: 'list',
      mode: 'turnout',
      source: 'protocols',
      view: 'table',
      lang: 'ru',
    } as const;
    const url = new URL(formatAddress(address), 'http://page');
    expect(url.pathname).toBe('/kg-demo/region/osh');
    expect(parseAddress(url.pathname, url.search)).toEqual(address);
  });

  it('are one for each unit, contest and list', () => {
    const plain = parseAddress('/kg-demo', '');
    const path = (change: Partial<Address>) => formatAddress({ ...plain, ...change });
    expect(path({ unit: 'precinct:5123' })).toBe('/kg-demo/precinct/5123');
    expect(path({ unit: 'abroad' })).toBe('/kg-demo/abroad');
    expect(path({ unit: 'district:12', contest: 'single' })).toBe('/kg-demo/district/12?contest=single');
    expect(path({ contest: 'single' })).toBe('/kg-demo/contest/single');
    expect(path({ page: 'missing', lang: 'ky' })).toBe('/kg-demo/missing?lang=ky');
    for (const list of LISTS) expect(parseAddress(`/kg-demo/${list}`, '')).toMatchObject({ page: list, unit: 'country' });
    expect(parseAddress('/kg-demo/abroad', '').unit).toBe('abroad');
    expect(parseAddress('/kg-demo/contest/single', '').contest).toBe('single');
  });

  it('of pages that are not of figures stand with an election before them, and without', () => {
    for (const page of EXTRAS) {
      expect(parseAddress(`/${page}`, '?lang=ru')).toMatchObject({ election: null, page, lang: 'ru', unit: 'country' });
      expect(parseAddress(`/kg-demo/${page}`, '')).toMatchObject({ election: 'kg-demo', page });
      expect(formatAddress(parseAddress(`/kg-demo/${page}`, ''))).toBe(`/kg-demo/${page}`);
    }
  });

  it('read the older form, where the unit stood behind the question mark', () => {
    expect(parseAddress('/kg-demo', '?unit=region:osh')).toEqual(parseAddress('/kg-demo/region/osh', ''));
  });

  it('leave out what a plain visit has', () => {
    expect(formatAddress(parseAddress('/', ''))).toBe('/');
  });

  it('take what they do not understand for nothing', () => {
    expect(parseAddress('/kg-demo/planet/mars', '')).toEqual(parseAddress('/kg-demo', ''));
    expect(parseAddress('/<script>', '?unit=planet:mars&mode=x&lang=xx&source=y&contest=%00&view=z')).toEqual(
      parseAddress('/', ''),
    );
  });
});
