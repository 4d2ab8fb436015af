import * as module from 'node:module'
import { load, resolve } from './typescript-hooks.ts'

// Loaded by `node --import` in front of every test file. `register` is deprecated since Node 26, and Node 20 has no `registerHooks`.
if ('registerHooks' in module && typeof module.registerHooks === 'function') module.registerHooks({ load, resolve })
else module.register(new URL('./typescript-hooks.js', import.meta.url))
