export { createAnalyzer, type AnalyzerSetup } from './analyzer.ts'
