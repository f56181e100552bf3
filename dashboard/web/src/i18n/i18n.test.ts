import { describe, expect, it } from 'vitest';
import { en } from './en';
import { ky } from './ky';
import { preferredLanguage } from './languages';
import { ru } from './ru';
import { clock, day } from './times';

/** Every text of a dictionary, with the marks `‹1›`, `‹2›` where values go. */
function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('‹1›', '‹2›'))]];
  return Object.entries(value as object).flatMap(([key, part]) => texts(part, `${path}.${key}`));
}

describe('dictionaries', () => {
  it('have the same keys, codes included', () => {
    const keys = (dictionary: unknown) => texts(dictionary).map(([path]) => path);
    expect(keys(ky)).toEqual(keys(en));
    expect(keys(ru)).toEqual(keys(en));
  });

  it('have no empty text', () => {
    for (const dictionary of [ky, ru, en]) expect(texts(dictionary).filter(([, text]) => !text.trim())).toEqual([]);
  });

  it('never attach an ending to a value', () => {
    const attached = /[\p{L}-]‹\d›|‹\d›[\p{L}-]/u;
    for (const dictionary of [ky, ru, en]) {
      expect(texts(dictionary).filter(([, text]) => attached.test(text))).toEqual([]);
    }
  });
});

describe('language', () => {
  it('is the first of the reader’s that the page speaks', () => {
    expect(preferredLanguage(['de', 'ru-KG', 'en'])).toBe('ru');
  });
  it('is Kyrgyz where the reader speaks none of them', () => {
    expect(preferredLanguage(['de'])).toBe('ky');
  });
});

describe('times', () => {
  it('are in the election’s time zone', () => {
    expect(clock('2026-10-04T14:05:00Z', 'Asia/Bishkek')).toBe('20:05');
  });
  it('name no month where it would take an ending', () => {
    expect(day('2026-10-04', 'ky')).toBe('04.10.2026');
    expect(day('2026-10-04', 'en')).toBe('4 October 2026');
  });
});
