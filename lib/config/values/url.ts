import { redacted } from '../secrets.ts';
import { type ValueType, wrong } from './value-type.ts';

const overSocket = /^http:\/\/unix:(\/[^:\0]+):(\/.*)?$/;

/** An HTTP address; `http://unix:/run/app.sock:/health` asks over a Unix socket. */
export const httpUrl: ValueType<string> = {
  ...addressWith('an address such as "http://127.0.0.1:9000/health"', ['http:', 'https:']),
  parse(value, path) {
    if (typeof value === 'string' && overSocket.test(value)) return value;
    return addressWith(this.name, ['http:', 'https:']).parse(value, path);
  },
};

/** An HTTP address that is itself the secret, as those of Slack and Discord are. */
export const secretUrl: ValueType<string> = hiding(httpUrl);

/** The address of a PostgreSQL database; the password inside it never shows. */
export const databaseUrl: ValueType<string> = hiding(
  addressWith('an address such as "postgres://app@localhost/app"', ['postgres:', 'postgresql:']),
);

function addressWith(name: string, schemes: string[]): ValueType<string> {
  return {
    name,
    parse(value, path) {
      if (typeof value !== 'string') throw wrong(path, 'wrong kind of value', value, name);
      const scheme = URL.canParse(value) ? new URL(value).protocol : '';
      if (!schemes.includes(scheme) || /\s/.test(value)) throw wrong(path, 'not such an address', value, name);
      return value;
    },
    format: (value) => value,
    jsonSchema: { type: 'string', pattern: `^(${schemes.join('|')})//` },
  };
}

function hiding(type: ValueType<string>): ValueType<string> {
  return {
    ...type,
    // A malformed address may hide its password from every pattern: say nothing of it.
    parse: (value, path) => {
      try {
        return type.parse(value, path);
      } catch {
        throw wrong(path, 'not such an address', redacted, type.name);
      }
    },
  };
}
