# Bash reads this for a command that is not there: it names the package that has it, for what is asked for most.
printf '%s: %s: command not found\n' "${0##*/}" "$1" >&2
local package
case $1 in
  clang | cmake | fish | gdb | htop | lsof | nmap | pandoc | parallel | php | ruby | screen | shellcheck | socat | strace | telnet | time | tmux | traceroute | valgrind | zsh)
    package=$1 ;;
  7z) package=p7zip-full ;;
  aws | black | flake8 | httpie | ipython | jupyter | mypy | poetry | pytest | ruff | uv | virtualenv | yt-dlp)
    printf '%s\n' "Install it by: pip install ${1/aws/awscli}" >&2
    return 127 ;;
  bun | deno | eslint | pnpm | prettier | ts-node | tsc | tsx | yarn)
    printf '%s\n' "Install it by: sudo npm install --global ${1/#tsc/typescript}" >&2
    return 127 ;;
  cargo | rustc) package=cargo ;;
  convert | identify | mogrify) package=imagemagick ;;
  dig | nslookup) package=dnsutils ;;
  dot) package=graphviz ;;
  exiftool) package=libimage-exiftool-perl ;;
  ffmpeg | ffprobe) package=ffmpeg ;;
  gfortran) package=gfortran ;;
  go) package=golang-go ;;
  gs) package=ghostscript ;;
  ifconfig | netstat) package=net-tools ;;
  java) package=default-jre-headless ;;
  javac) package=default-jdk-headless ;;
  latex | pdflatex) package=texlive-latex-base ;;
  libreoffice | soffice) package=libreoffice-nogui ;;
  mvn) package=maven ;;
  mysql) package=default-mysql-client ;;
  pdfinfo | pdftoppm | pdftotext) package=poppler-utils ;;
  ping) package=iputils-ping ;;
  psql) package=postgresql-client ;;
  R | Rscript) package=r-base-core ;;
  redis-cli) package=redis-tools ;;
  tesseract) package=tesseract-ocr ;;
  *) return 127 ;;
esac
printf '%s\n' "Install it by: sudo apt-get update && sudo apt-get install --yes $package" >&2
return 127
