import { inflateSync } from 'node:zlib';
import type { Frame } from '../src/feed/types';

/** A message of the live feed: JSON, or JSON deflated. */
export function frameOf(message: string | Buffer): Frame {
  return JSON.parse(typeof message === 'string' ? message : inflateSync(message).toString()) as Frame;
}
