const SAME: Record<string, string> = {
  ө: 'о',
  ѳ: 'о',
  ү: 'у',
  ң: 'н',
  ӊ: 'н',
  ё: 'е',
};

/**
 * Folds what readers type and what names hold to one form: case, о/ө, у/ү, н/ң, the look-alikes ѳ and ӊ, ё, Latin
 * letters with marks, and every kind of dash, space and quotation mark.
 */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFC')
    .replace(/[өѳүңӊё]/g, (letter) => SAME[letter] ?? letter)
    .replace(/[à-öø-ÿāăąćčďēęěğīłńňōőřśšťūůűźżž]/g, (letter) => letter.normalize('NFD').replace(/\p{M}/gu, ''))
    .replace(/[\s\-–—_.,«»"“”'’№#]+/gu, ' ')
    .trim();
}
