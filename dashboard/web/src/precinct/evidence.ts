import type { Definition, Device, DeviceReport, Header } from '../feed/types';

/** Signed reports with votes are not given out before votes may be published. */
export function withheld(report: DeviceReport, { embargo_until }: Header): boolean {
  return Boolean(embargo_until) && report.kind === 'urn';
}

/** One device's key, or one that it had before. */
export interface Key {
  device: string;
  kind: Device['kind'];
  key: string;
  old: boolean;
}

/** The keys of a precinct's devices, and of those whose reports stand there though they are its no more. */
export function keysOf(definition: Definition, precinct: number, reports: DeviceReport[]): Key[] {
  const sent = new Set(reports.map(({ device }) => device));
  return (definition.devices ?? [])
    .filter((device) => device.precinct === precinct || sent.has(device.id))
    .flatMap(({ id, kind, public_key, superseded_keys }) => [
      ...(public_key ? [{ device: id, kind, key: public_key, old: false }] : []),
      ...(superseded_keys ?? []).map((key) => ({ device: id, kind, key, old: true })),
    ]);
}

/** The command that checks the newest report whose bytes are given out; null where there is none. */
export function command(origin: string, header: Header, precinct: number, reports: DeviceReport[]): string | null {
  const newest = reports.findLast((report) => !withheld(report, header));
  return newest ? `python3 check-report.py ${origin} ${header.election} ${precinct} ${newest.offset}` : null;
}
