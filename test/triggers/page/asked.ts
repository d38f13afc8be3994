import { type IncomingMessage, request } from 'node:http';

export interface Answer {
  status: number;
  /** one that came several times has all its values */
  headers: Partial<Record<string, string>>;
  text: string;
}

/** Asks once; unlike fetch it sends whatever `Host` it is told to, and follows nothing. */
export async function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const asking = request(url, { method, headers: { ...length, ...headers }, agent: false }, resolve);
    asking.on('error', reject);
    asking.setTimeout(20_000, () => asking.destroy(new Error('no answer within 20 s')));
    asking.end(body);
  });
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  const given = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
  return { status: response.statusCode ?? 0, headers: Object.fromEntries(given) as Answer['headers'], text };
}
