import { describe, expect, it } from 'vitest';
import { header } from '../feed/testing';
import type { Definition, DeviceReport } from '../feed/types';
import { command, keysOf, withheld } from './evidence';

const report = (offset: number, kind: DeviceReport['kind'], device: string) => ({ offset, kind, device }) as DeviceReport;
const reports = [report(5, 'id_terminal', 't-1'), report(9, 'urn', 'u-old')];

describe('the evidence of a precinct', () => {
  it('is given out but for reports with votes before votes may be shown', () => {
    const embargo = { ...header(1), embargo_until: '2026-10-04T14:00:00Z' };
    expect(reports.map((each) => withheld(each, embargo))).toEqual([false, true]);
    expect(reports.map((each) => withheld(each, header(1)))).toEqual([false, false]);
    expect(command('https://sanak.kg', embargo, 5123, reports)).toBe('python3 check-report.py https://sanak.kg kg-demo 5123 5');
    expect(command('https://sanak.kg', header(1), 5123, reports)).toBe('python3 check-report.py https://sanak.kg kg-demo 5123 9');
    expect(command('https://sanak.kg', header(1), 5123, [])).toBeNull();
  });

  it('has the keys of its devices, those before them, and those of devices that have left', () => {
    const definition = {
      devices: [
        { id: 't-1', kind: 'id_terminal', precinct: 5123, public_key: 'aa', status: 'active', superseded_keys: ['bb'] },
        { id: 'u-new', kind: 'urn', precinct: 5123, public_key: null, status: 'active' },
        { id: 'u-old', kind: 'urn', precinct: null, public_key: 'cc', status: 'revoked' },
        { id: 'u-far', kind: 'urn', precinct: 77, public_key: 'dd', status: 'active' },
      ],
    } as unknown as Definition;
    expect(keysOf(definition, 5123, reports).map(({ device, key, old }) => [device, key, old])).toEqual([
      ['t-1', 'aa', false],
      ['t-1', 'bb', true],
      ['u-old', 'cc', false],
    ]);
    expect(keysOf({} as Definition, 5123, reports)).toEqual([]);
  });
});
