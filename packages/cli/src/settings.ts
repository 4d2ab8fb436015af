import type { LoadedSettings } from '@cordon/core/settings'
import type { PlatformOptions } from '@cordon/contracts'
import type { CommandContext } from './commands/command.ts'
import { escapeLine } from './output/escape.ts'

/** Whoever runs the command owns the machine: `config` may ask for as much as the options of the platform can say. */
const ownDefaults: PlatformOptions = { allow: { limits: { timeoutMs: 2_147_483_647, memoryMb: 16_384 } } }

/**
 * The settings of the local platform: global options, environment, config file. Warnings go to standard error.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function settingsOf(context: CommandContext, flags: PlatformOptions = {}): Promise<LoadedSettings> {
  return load(context, flags, ownDefaults)
}

/** The same for a server, whose functions others may deploy. @throws PlatformError INVALID_OPTION */
export function serverSettingsOf(context: CommandContext, flags: PlatformOptions): Promise<LoadedSettings> {
  return load(context, flags, {})
}

async function load({ terminal, options }: CommandContext, flags: PlatformOptions, defaults: PlatformOptions): Promise<LoadedSettings> {
  const { loadSettings } = await import('@cordon/core/settings')
  const settings = await loadSettings({ file: options.config, flags: { dataDir: options.dataDir, ...flags }, defaults })
  for (const warning of settings.warnings) terminal.note(terminal.colors.yellow(escapeLine(warning)))
  return settings
}
