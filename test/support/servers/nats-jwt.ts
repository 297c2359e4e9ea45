/** A NATS server in operator mode: who gets in is said by JSON Web Tokens that are signed with NKEYs, as `nsc` makes them. */
import { nkeys } from '@nats-io/transport-node';

type Pair = ReturnType<typeof nkeys.createUser>;

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const encode = (bytes: string | Uint8Array) => Buffer.from(bytes).toString('base64url');

function sign(issuer: Pair, subject: string, name: string, claims: object): string {
  const iat = Math.floor(Date.now() / 1000);
  const body = { jti: `${name}-${iat}`, iat, iss: issuer.getPublicKey(), sub: subject, name, nats: claims };
  const head = { typ: 'JWT', alg: 'ed25519-nkey' };
  const text = `${encode(JSON.stringify(head))}.${encode(JSON.stringify(body))}`;
  return `${text}.${encode(issuer.sign(Buffer.from(text)))}`;
}

/** @returns lines of a server's configuration, and the `.creds` file of a user that it lets in */
export function makeOperator(): { config: string; creds: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const version = 2;
  const ofOperator = sign(operator, operator.getPublicKey(), 'operator', { type: 'operator', version });
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = {
    ...unlimited,
    ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  };
  const ofAccount = sign(operator, account.getPublicKey(), 'account', { type: 'account', version, limits });
  const system = nkeys.createAccount();
  const ofSystem = sign(operator, system.getPublicKey(), 'system', {
    type: 'account',
    version,
    limits: { ...limits, mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 },
  });
  const accounts = { [account.getPublicKey()]: ofAccount, [system.getPublicKey()]: ofSystem };
  const ofUser = sign(account, user.getPublicKey(), 'user', { type: 'user', version, ...unlimited });
  return {
    config: [
      `operator: "${ofOperator}"`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: ${JSON.stringify(accounts)}`,
    ].join('\n'),
    creds: [
      '-----BEGIN NATS USER JWT-----',
      ofUser,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      textOf(user.getSeed()),
      '------END USER NKEY SEED------',
    ].join('\n'),
  };
}
