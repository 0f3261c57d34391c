/** Colours by scheme. A test holds each text colour against what it stands on (WCAG AA). */
export const colours = {
  light: {
    ground: '#f6f7f9',
    card: '#ffffff',
    text: '#1b1f24',
    soft: '#57606a',
    line: '#d0d7de',
    link: '#0757b5',
    ok: '#1a7f37',
    note: '#0757b5',
    warning: '#8a5a00',
    alarm: '#c4161c',
  },
  dark: {
    ground: '#0d1117',
    card: '#161b22',
    text: '#e6edf3',
    soft: '#9da7b1',
    line: '#3d444d',
    link: '#79c0ff',
    ok: '#56d364',
    note: '#79c0ff',
    warning: '#e3b341',
    alarm: '#ff8f87',
  },
} as const

const variables = (scheme: Readonly<Record<string, string>>) =>
  Object.entries(scheme)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')

/** The one style sheet: `/style.css`. */
export const style = `:root{color-scheme:light dark;${variables(colours.light)}}
@media (prefers-color-scheme:dark){:root{${variables(colours.dark)}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--ground);color:var(--text);font:1rem/1.45 system-ui,sans-serif;overflow-wrap:anywhere}
h1,h2,h3,h4,p,ul,dl,dd,figure{margin:0;padding:0}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.5rem 0 .6rem}h3{font-size:1.1rem}h4,.card h3+p{font-size:.95rem}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
.soft,dt,figcaption,footer{color:var(--soft);font-size:.9rem}
.sum{font-size:1.25rem;font-weight:600;margin:.3rem 0}
.ok{--tone:var(--ok)}.note{--tone:var(--note)}.warning{--tone:var(--warning)}.alarm{--tone:var(--alarm)}
.sum,.tag{color:var(--tone)}
.tag{border:1px solid;border-radius:1rem;padding:0 .55rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.key{margin-bottom:.5rem}
.cards{list-style:none;display:grid;gap:.75rem;grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr))}
.card,.box{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem .9rem}
.card{border-left:.35rem solid var(--tone)}
.mac{margin-top:.6rem}.mac h4{display:flex;justify-content:space-between;gap:.5rem;align-items:baseline}
.why{font-size:.9rem}
svg{display:block;width:100%;overflow:visible}
.bar{overflow:hidden;height:.4rem;margin:.3rem 0;background:var(--line);border-radius:.2rem}
.bar path{stroke:var(--soft);stroke-width:8}
.days{height:1rem;border-bottom:1px solid var(--line)}
.days path{stroke:var(--ok);stroke-width:3}
.chart{margin:.8rem 0;max-width:44rem}
.chart .tall{height:8rem}.chart .flat{height:1.5rem}
.ends{display:flex;justify-content:space-between}
.chart .line{fill:none;stroke:var(--link);stroke-width:2;vector-effect:non-scaling-stroke}
.chart .area{fill:var(--link);opacity:.15}
.chart .bound{stroke:var(--soft);stroke-dasharray:4 4;vector-effect:non-scaling-stroke}
.chart .axis{stroke:var(--line);vector-effect:non-scaling-stroke}
.chart .column{fill:var(--ok)}
.chart .direct{fill:var(--ok)}.chart .relay{fill:var(--warning)}.chart .unknown{fill:var(--soft)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(9rem,100%),1fr));gap:.5rem 1rem;margin:.6rem 0}
.wide{grid-template-columns:repeat(auto-fill,minmax(min(20rem,100%),1fr))}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;overflow-wrap:break-word}
time,th{white-space:nowrap}
caption{text-align:left;color:var(--soft)}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line)}
summary{cursor:pointer;font-size:.9rem;color:var(--soft)}
footer{margin-top:2rem}
@media (max-width:30rem){th,td{padding-right:.4rem}
.stack thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.stack tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}
.stack td{display:block;border:0;padding:.1rem 0}
.stack br{display:none}
.log td{display:inline;padding-right:.5rem}.log td:last-child{display:block}
.stack .todo:not(:empty)::before{content:"To do: ";color:var(--soft)}}
@media print{body{background:none}.card{break-inside:avoid}}
`
