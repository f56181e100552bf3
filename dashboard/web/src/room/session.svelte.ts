const ROOM = '/api/v1/room';
/** A decision about many precincts is many records, and a scan may come over a slow line: longer than the service waits. */
const TIMEOUT_MS = 200_000;

/** The service's own words for why something was not done. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** Nothing was sent: what it was decided from is other by now. */
export class Changed extends Refusal {
  constructor(words: string) {
    super(409, words);
  }
}

/** One person at work. The token is known to this object alone, and gone with the page. */
export class Session {
  open = $state(false);
  #token = '';

  /** Begins with a token that the service knows. */
  async enter(token: string): Promise<void> {
    this.#token = token.trim();
    try {
      await this.get('/protocols');
    } catch (refusal) {
      this.leave();
      throw refusal;
    }
    this.open = true;
  }

  leave(): void {
    this.#token = '';
    this.open = false;
  }

  get<T>(path: string): Promise<T> {
    return this.#ask<T>(`${ROOM}${path}`, {});
  }

  /** Decides something, or sends a file; what the service answers. */
  decide<T>(path: string, decision: object | Blob): Promise<T> {
    return this.#ask<T>(`${ROOM}${path}`, { method: 'POST', body: decision instanceof Blob ? decision : JSON.stringify(decision) });
  }

  /** What the public reads, without the token and past every cache. */
  async read<T>(url: string): Promise<T> {
    const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(() => null);
    if (!answer?.ok) throw new Refusal(answer?.status ?? 0, '');
    return (await answer.json()) as T;
  }

  async #ask<T>(url: string, request: RequestInit): Promise<T> {
    let answer: Response;
    try {
      const headers = { authorization: `Bearer ${this.#token}` };
      answer = await fetch(url, { ...request, headers, cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      throw new Refusal(0, '');
    }
    if (answer.ok) return (await answer.json()) as T;
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new Refusal(answer.status, problem.detail ?? '');
  }
}
