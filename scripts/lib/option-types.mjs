/** The types of the options, as TypeScript: from the type that the schema takes. */
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SRC = `${ROOT}src${sep}`;
const SCHEMA = 'options/shape.ts';
const TYPE = 'OptionInputs';

const FLAGS =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

/** @returns {Map<string, { type: string, imports: { name: string, path: string }[] }>} */
export function readOptionTypes() {
  const program = makeProgram();
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(SRC + SCHEMA));
  const alias = checker.getExportsOfModule(module).find(({ name }) => name === TYPE);
  if (alias === undefined) throw new Error(`${SCHEMA} exports no type ${TYPE}`);
  const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(alias));
  return new Map(
    properties.map((property) => {
      const type = checker.getTypeOfSymbol(property);
      /** @type {Map<string, { path: string, isGeneric: boolean }>} */
      const named = new Map();
      collectNames(checker, type, named);
      const imports = [...named].map(([name, { path }]) => ({ name, path }));
      return [property.name, { type: print(checker, type, named), imports }];
    }),
  );
}

function makeProgram() {
  const path = `${ROOT}tsconfig.build.json`;
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path));
  return ts.createProgram(fileNames, { ...options, noEmit: true });
}

/** The schema does not know the type of a connection's data: the interface has it as a parameter. */
function print(checker, type, named) {
  let text = checker.typeToString(type, undefined, FLAGS).replaceAll('<ArrayBufferLike>', '');
  for (const [name, { isGeneric }] of named)
    if (isGeneric)
      text = text.replaceAll(new RegExp(`\\b${name}\\b(<(any|unknown)>)?`, 'g'), `${name}<Data>`);
  return text;
}

/** Names of our own that a printed type consists of, with their modules. */
function collectNames(checker, type, named) {
  const symbol = type.aliasSymbol ?? type.symbol;
  const path = symbol && moduleOf(symbol);
  if (path !== undefined && !isAnonymous(symbol)) {
    const other = named.get(symbol.name)?.path ?? path;
    if (other !== path) throw new Error(`${symbol.name} is of ${path} and of ${other}`);
    named.set(symbol.name, { path, isGeneric: symbol.declarations[0].typeParameters !== undefined });
    return;
  }
  if (type.isUnionOrIntersection()) for (const part of type.types) collectNames(checker, part, named);
  for (const argument of checker.getTypeArguments(type)) collectNames(checker, argument, named);
  if (symbol && isAnonymous(symbol))
    for (const property of checker.getPropertiesOfType(type))
      collectNames(checker, checker.getTypeOfSymbol(property), named);
}

function isAnonymous(symbol) {
  return symbol.name.startsWith('__');
}

/** The module of src that declares a symbol, as a path from src. */
function moduleOf(symbol) {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName;
  if (file === undefined) return undefined;
  const path = relative(SRC, file).replaceAll(sep, '/');
  return path.startsWith('..') ? undefined : path;
}
