export { loadSettings, type LoadedSettings, type LoadSettingsOptions, type Setting, type SettingOrigin } from './load-settings.ts'
