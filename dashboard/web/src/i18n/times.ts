import type { Language } from './languages';

const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June',
  'July', 'August', 'September', 'October', 'November', 'December',
] as const;

const formats = new Map<string, Intl.DateTimeFormat>();

function parts(instant: string | number, zone: string): Record<string, string> {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
}

/** `21:04` in the election's time zone. */
export function clock(instant: string | number, zone: string): string {
  const { hour, minute } = parts(instant, zone);
  return `${hour}:${minute}`;
}

/** `21:04:07` in the election's time zone. */
export function clockSeconds(instant: string | number, zone: string): string {
  return `${clock(instant, zone)}:${parts(instant, zone)['second']}`;
}

/** A calendar day. Month names would take endings in Kyrgyz and Russian, digits do not. */
export function day(date: string, language: Language): string {
  const [year = '', month = '', dayOfMonth = ''] = date.slice(0, 10).split('-');
  if (language === 'en') return `${Number(dayOfMonth)} ${MONTHS[Number(month) - 1]} ${year}`;
  return `${dayOfMonth}.${month}.${year}`;
}
