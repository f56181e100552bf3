import { describe, expect, it } from 'vitest';
import { Held } from './held';
import { delta, ping, snapshot, unit } from './testing';

const reported = (held: Held) => held.units.get('country')?.contests['list']?.urns.precincts;

describe('what a reader holds', () => {
  it('begins with a snapshot and stands at its version', () => {
    const held = new Held();
    expect(held.apply(snapshot(7, [unit('country', 3)]))).toEqual({ kind: 'replaced' });
    expect(held.position).toBe('e1:7');
    expect(reported(held)).toBe(3);
  });

  it('applies a delta that begins where it stands', () => {
    const held = holding(7);
    expect(held.apply(delta(7, 8, [unit('country', 4)]))).toEqual({ kind: 'changed', units: ['country'] });
    expect(held.position).toBe('e1:8');
    expect(reported(held)).toBe(4);
  });

  it('applies a delta that begins earlier and ends later', () => {
    const held = holding(7);
    expect(held.apply(delta(5, 9, [unit('country', 6)])).kind).toBe('changed');
    expect(held.position).toBe('e1:9');
  });

  it('does nothing with a delta it already has', () => {
    const held = holding(7);
    expect(held.apply(delta(6, 7, [unit('country', 1)]))).toEqual({ kind: 'same' });
    expect(reported(held)).toBe(3);
  });

  it('asks for a snapshot when a delta begins later than it stands', () => {
    const held = holding(7);
    expect(held.apply(delta(8, 9, [unit('country', 9)]))).toEqual({ kind: 'gap' });
    expect(reported(held)).toBe(3);
  });

  it('asks for a snapshot when the epoch is another', () => {
    const held = holding(7);
    expect(held.apply({ ...delta(7, 8, []), epoch: 'e2' })).toEqual({ kind: 'gap' });
    expect(held.apply({ ...ping(7), epoch: 'e2' })).toEqual({ kind: 'gap' });
  });

  it('takes a snapshot of a new epoch even when its version is lower', () => {
    const held = holding(7);
    expect(held.apply({ ...snapshot(1, [unit('country', 3)]), epoch: 'e2' }).kind).toBe('replaced');
    expect(held.position).toBe('e2:1');
  });

  it('does not go back to an older snapshot of the same epoch', () => {
    const held = holding(7);
    expect(held.apply(snapshot(6, [unit('country', 1)]))).toEqual({ kind: 'same' });
    expect(reported(held)).toBe(3);
  });

  it('moves the clock but not the position with a ping', () => {
    const held = holding(7);
    held.apply({ ...ping(9), generated_at: '2026-10-04T15:00:00Z' });
    expect(held.header?.generated_at).toBe('2026-10-04T15:00:00Z');
    expect(held.position).toBe('e1:7');
    expect(held.apply(delta(7, 9, [unit('country', 5)])).kind).toBe('changed');
  });

  it('falls back to the older position when units of an older version are added', () => {
    const held = holding(7);
    expect(held.merge(snapshot(5, [unit('precinct:1', 1)]))).toBe(true);
    expect(held.position).toBe('e1:5');
    expect(held.units.size).toBe(2);
  });

  it('refuses to add units of another epoch', () => {
    const held = holding(7);
    expect(held.merge({ ...snapshot(8, [unit('precinct:1', 1)]), epoch: 'e2' })).toBe(false);
    expect(held.units.size).toBe(1);
  });

  it('forgets what is no longer followed', () => {
    const held = holding(7);
    held.merge(snapshot(7, [unit('precinct:1', 1)]));
    held.forget((each) => each.kind === 'precinct');
    expect([...held.units.keys()]).toEqual(['country']);
  });
});

function holding(version: number): Held {
  const held = new Held();
  held.apply(snapshot(version, [unit('country', 3)]));
  return held;
}
