/** The sources as modules: what each imports (types included), and where it names a global. Read with the compiler's parser. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

export interface Import {
  /** A path in src such as `hub/hub.ts` for a relative import, else the specifier as it is written. */
  readonly target: string;
  /** What is imported by name; empty for everything else. */
  readonly names: readonly string[];
}

export interface Module {
  /** Path in src, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** True when it imports a module whose name is computed. */
  readonly importsComputed: boolean;
  /** Identifiers that are read, so not those that name a property or a member. */
  readonly identifiers: ReadonlySet<string>;
}

/** Every module of src, by its path. */
export function readModules(): Map<string, Module> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort();
  return new Map(paths.map((path) => [path, parseModule(path, readFileSync(SRC + path, 'utf8'))]));
}

export function parseModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const identifiers = new Set<string>();
  let importsComputed = false;

  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMemberName(node)) identifiers.add(node.text);
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      if (ts.isStringLiteralLike(specifier))
        imports.push({ target: resolveFrom(path, specifier.text), names: namesOf(node) });
      else importsComputed = true;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { path, imports, importsComputed, identifiers };
}

/** What a node imports from, in each of the ways there are. */
function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node;
  if (ts.isExternalModuleReference(node)) return node.expression;
  const isCall =
    ts.isCallExpression(node) &&
    (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require'));
  return isCall ? node.arguments[0] : undefined;
}

function namesOf(node: ts.Node): string[] {
  const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
  return bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

/** The name in `x.name`, `{ name: … }`, and in the declaration of a member. */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  // A property of the global object is a global by another name.
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== 'globalThis';
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return parent.propertyName === node;
  const isMember =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isAccessor(parent);
  return isMember && parent.name === node;
}

function resolveFrom(path: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

/** The import cycles: each as its modules in turn, the first again at the end. */
export function findCycles(modules: ReadonlyMap<string, Module>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const { target } of modules.get(path)?.imports ?? [])
      if (modules.has(target)) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of modules.keys()) walk(path, []);
  return cycles;
}
