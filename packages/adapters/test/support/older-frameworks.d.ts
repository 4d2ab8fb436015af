/** The older lines of both frameworks are installed under other names, and used as the newer ones are. */
declare module 'express4' {
  export { default } from 'express'
}
declare module 'koa2' {
  export { default } from 'koa'
}
