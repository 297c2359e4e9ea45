export { default } from 'cli-progress';
