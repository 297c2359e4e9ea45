export { default } from 'cli-table3';
