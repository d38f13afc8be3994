import { Agent, request } from 'node:http';

export interface Asked {
  /** requests that were answered, by status */
  answers: Map<number, number>;
  failed: number;
  perSecond: number;
}

const connections = 64;
const body = Buffer.alloc(2_048, 'x');

/**
 * Sends unsigned pushes on so many kept connections, each as soon as the one before is answered.
 * @param addresses how many callers a proxy names: 1 is limited at once, many only together
 */
export async function askFor(seconds: number, port: number, addresses: number): Promise<Asked> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const asked: Asked = { answers: new Map(), failed: 0, perSecond: 0 };
  const began = performance.now();
  const until = began + seconds * 1000;
  let sent = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < until) {
      sent += 1;
      const status = await ask(port, { agent, address: sent % addresses });
      if (status === null) asked.failed += 1;
      else asked.answers.set(status, (asked.answers.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  agent.destroy();
  const answered = [...asked.answers.values()].reduce((sum, count) => sum + count, 0);
  asked.perSecond = answered / ((performance.now() - began) / 1000);
  return asked;
}

function ask(port: number, { agent, address }: { agent: Agent; address: number }): Promise<number | null> {
  return new Promise((resolve) => {
    const headers = {
      'Content-Length': body.length,
      'X-Forwarded-For': `198.51.${address >> 8}.${address & 255}`,
      'X-Signature-256': `sha256=${'0'.repeat(64)}`,
    };
    const path = '/hooks/plain/production';
    const sent = request({ host: '127.0.0.1', port, agent, method: 'POST', path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? null));
    });
    sent.on('error', () => resolve(null));
    sent.end(body);
  });
}
