import { describe, expect, it } from 'vitest';
import { fold } from './fold';
import { SearchIndex } from './search';

const index = new SearchIndex([
  { id: 'region:issyk-kul', number: null, texts: ['Ысык-Көл облусу', 'Иссык-Кульская область', 'Issyk-Kul Region'] },
  { id: 'region:chuy', number: null, texts: ['Чүй облусу', 'Чуйская область', 'Chüy Region'] },
  { id: 'district:12', number: '12', texts: ['№ 12 шайлоо округу'] },
  { id: 'precinct:1204', number: '1204', texts: ['Көк-Жаңгак мектеби', 'Школа, Кок-Жангак'] },
  { id: 'precinct:7012', number: '7012', texts: ['Өзгөн', 'Узген'] },
]);

describe('folding', () => {
  it('makes one of the letters readers mix up', () => {
    expect(fold('Көк-Жаңгак')).toBe(fold('кок жангак'));
    expect(fold('Чүй')).toBe(fold('чуй'));
    expect(fold('Ѳзгѳн')).toBe(fold('Өзгөн'));
    expect(fold('Жаӊы')).toBe(fold('жаны'));
    expect(fold('Берёза')).toBe(fold('береза'));
    expect(fold('Chüy')).toBe('chuy');
  });
  it('keeps й apart from и', () => {
    expect(fold('Чүй')).not.toBe(fold('чуи'));
  });
});

describe('search', () => {
  it('finds a precinct by its exact number before those that begin with it', () => {
    expect(index.find('12', 5)[0]).toBe('district:12');
    expect(index.find('12', 5)).toContain('precinct:1204');
    expect(index.find('1204', 5)).toEqual(['precinct:1204']);
  });
  it('finds a place without its Kyrgyz letters', () => {
    expect(index.find('кок жангак', 5)).toEqual(['precinct:1204']);
    expect(index.find('ысык кол', 5)).toEqual(['region:issyk-kul']);
  });
  it('finds a region by its Latin name without marks', () => {
    expect(index.find('chuy', 5)).toEqual(['region:chuy']);
  });
  it('finds nothing for nothing', () => {
    expect(index.find('  ', 5)).toEqual([]);
    expect(index.find('zzz', 5)).toEqual([]);
  });
  it('stops at the limit', () => {
    expect(index.find('о', 1).length).toBeLessThanOrEqual(1);
  });
});
