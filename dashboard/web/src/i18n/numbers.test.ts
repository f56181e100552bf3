import { describe, expect, it } from 'vitest';
import { decimal, integer, percentText, share } from './numbers';

describe('numbers', () => {
  it('are grouped by a narrow no-break space in Kyrgyz and Russian', () => {
    expect(integer(1704, 'ky')).toBe('1\u202f704');
    expect(integer(2_871_330, 'ru')).toBe('2\u202f871\u202f330');
    expect(integer(999, 'ru')).toBe('999');
  });

  it('are grouped by a comma in English', () => {
    expect(integer(2_871_330, 'en')).toBe('2,871,330');
  });

  it('carry a real minus sign, and none before zero', () => {
    expect(integer(-1200, 'en')).toBe('\u22121,200');
    expect(decimal(-0.04, 1, 'ru')).toBe('0,0');
  });

  it('have a decimal comma in Kyrgyz and Russian', () => {
    expect(decimal(1234.56, 1, 'ky')).toBe('1\u202f234,6');
    expect(decimal(1234.56, 1, 'en')).toBe('1,234.6');
  });
});

describe('percentages', () => {
  it('have one decimal, and two within half a point of a threshold', () => {
    expect(percentText(17.324, 'ru', 5)).toBe('17,3\u202f%');
    expect(percentText(5.162, 'ru', 5)).toBe('5,16\u202f%');
    expect(percentText(5.162, 'en', 5)).toBe('5.16%');
  });

  it('never show one hundred before all is in', () => {
    expect(percentText(share(2458, 2459), 'en')).toBe('99.9%');
    expect(percentText(100, 'en')).toBe('100.0%');
  });

  it('never show a threshold as reached by rounding', () => {
    expect(percentText(4.999, 'en', 5)).toBe('4.99%');
    expect(percentText(5, 'en', 5)).toBe('5.00%');
  });

  it('are a dash where there is no whole', () => {
    expect(percentText(share(0, 0), 'ky')).toBe('–');
  });
});
