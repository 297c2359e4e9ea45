/**
 * Prints a CycloneDX list of what a version is made of: what npm installs with the package, and what scripts/vendor.mjs has
 * bundled into it, which are `dev` to npm. After a build.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const list = (...args) => {
  const formats = [
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'library',
    '--omit',
    'peer',
    '--package-lock-only',
  ];
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' };
  return JSON.parse(execFileSync('npm', ['sbom', ...formats, ...args], options));
};
const bill = list('--omit', 'dev');
const all = list();
const bundled = JSON.parse(readFileSync('dist/vendor/packages.json', 'utf8')).map(
  ({ name, version }) => `${name}@${version}`,
);
const own = bill.metadata.component['bom-ref'];
const isBundled = (ref) =>
  bundled.includes(ref) && !bill.components.some((component) => component['bom-ref'] === ref);
bill.components.push(...all.components.filter((component) => isBundled(component['bom-ref'])));
bill.dependencies.push(
  ...all.dependencies
    .filter(({ ref }) => isBundled(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => bundled.includes(on)) })),
);
bill.dependencies.find(({ ref }) => ref === own).dependsOn.push(...bundled);
process.stdout.write(`${JSON.stringify(bill, undefined, 2)}\n`);
