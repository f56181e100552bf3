import { expect, it } from 'vitest';
import { en } from '../i18n/en';
import { ageText } from './age';

it('grows from seconds to minutes to hours', () => {
  expect([50_000, 119_000, 120_000, 7_200_000].map((ms) => ageText(ms, en))).toEqual(['50 s', '119 s', '2 min', '2 h']);
});
