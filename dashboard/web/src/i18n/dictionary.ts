import type { en } from './en';

/** Every language has every key, and takes the same values in. */
export type Dictionary = typeof en;
