"""Secrets are hidden wherever people type them, and what is no secret stays as it was typed."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext.approval.intake import masking, own_patterns, shell_secrets
from saltext.approval.intake.masking import HIDDEN, Masker
from saltext.approval.intake.program_secrets import PROGRAMS

PLAIN = "Hunter2!9"
LINES = [
    ("mysql -pHunter2!9", "mysql -p********"),
    ("mysql -u root -pHunter2!9 -h db < dump.sql", "mysql -u root -p******** -h db < dump.sql"),
    ("mysql --password=Hunter2!9 -e 'select 1'", "mysql --password=******** -e 'select 1'"),
    ("mysql --password Hunter2!9", "mysql --password ********"),
    (
        "sudo -u postgres mysqldump -uroot -p'Hunter2!9' db | gzip > x",
        "sudo -u postgres mysqldump -uroot -p******** db | gzip > x",
    ),
    ("docker exec db mysql -pHunter2!9", "docker exec db mysql -p********"),
    ("curl -H 'Authorization: Bearer Hunter2!9' https://x", "curl -H 'Authorization: Bearer ********' https://x"),
    ('curl -H "Authorization: Basic Hunter2!9=" https://x', 'curl -H "Authorization: Basic ********" https://x'),
    ('curl -H "X-Api-Key: Hunter2!9" https://x', 'curl -H "X-Api-Key: ********" https://x'),
    ("curl -u a:Hunter2!9 https://x", "curl -u a:******** https://x"),
    ("curl -sku a:Hunter2!9 https://x", "curl -sku a:******** https://x"),
    ("curl --user=a:Hunter2!9 x", "curl --user=a:******** x"),
    ("curl -b 'session=Hunter2!9' x", "curl -b ******** x"),
    ("curl -H 'Cookie: sid=Hunter2!9' x", "curl -H 'Cookie: ********' x"),
    ("export TOKEN=Hunter2!9; run", "export TOKEN=********; run"),
    ("export TOKEN=Hunter2!9;run", "export TOKEN=********;run"),
    ("env API_KEY=Hunter2!9 run", "env API_KEY=******** run"),
    ("PGPASSWORD=Hunter2!9 psql -h x", "PGPASSWORD=******** psql -h x"),
    ("echo root:Hunter2!9 | chpasswd", "echo root:******** | chpasswd"),
    ("echo 'root:Hunter2!9' | chpasswd", "echo 'root:********' | chpasswd"),
    ("echo Hunter2!9 | passwd --stdin bob", "echo ******** | passwd --stdin bob"),
    (
        "printf '%s' Hunter2!9 | docker login --password-stdin",
        "printf ******** ******** | docker login --password-stdin",
    ),
    ("echo a:Hunter2!9 > f && chpasswd < f", "echo a:******** > f && chpasswd < f"),
    ("echo 'a:Hunter2!9' >> '/tmp/f' ; sudo chpasswd </tmp/f", "echo 'a:********' >> '/tmp/f' ; sudo chpasswd </tmp/f"),
    ("echo Hunter2!9 | base64 >f; passwd --stdin bob <f", "echo ******** | base64 >f; passwd --stdin bob <f"),
    ("echo a:Hunter2!9 | sudo tee f; chpasswd < f", "echo a:******** | sudo tee f; chpasswd < f"),
    ("echo a:Hunter2!9 > f; cat f | chpasswd; rm f", "echo a:******** > f; cat f | chpasswd; rm f"),
    ("cat > f <<E\na:Hunter2!9\nE\nchpasswd < f", "cat > f <<E\na:********\nE\nchpasswd < f"),
    ("chpasswd <<< root:Hunter2!9", "chpasswd <<< root:********"),
    ("chpasswd <<< 'root:Hunter2!9'", "chpasswd <<< 'root:********'"),
    ("sshpass -p Hunter2!9 ssh host", "sshpass -p ******** ssh host"),
    ("sshpass -pHunter2!9 ssh host", "sshpass -p******** ssh host"),
    ("curl 'https://h/x?token=Hunter2!9&page=2'", "curl 'https://h/x?token=********&page=2'"),
    ("curl https://h/x?token=Hunter2!9", "curl https://h/x?token=********"),
    ("net user bob Hunter2!9 /add", "net user bob ******** /add"),
    ("net user bob Hunter2!9", "net user bob ********"),
    ("net use X: \\\\srv\\share Hunter2!9 /user:bob", "net use X: \\\\srv\\share ******** /user:bob"),
    ("postgresql://u:Hunter2!9@h/db", "postgresql://u:********@h/db"),
    ('psql "host=x password=Hunter2!9 user=b"', 'psql "host=x password=******** user=b"'),
    ("psql 'postgresql://u:Hunter2!9@h/db'", "psql 'postgresql://u:********@h/db'"),
    ("docker login -u a -p Hunter2!9 reg", "docker login -u a -p ******** reg"),
    ("openssl rsa -in k -passin pass:Hunter2!9", "openssl rsa -in k -passin ********"),
    ("kubectl --token=Hunter2!9 get pods", "kubectl --token=******** get pods"),
    ("kubectl --token Hunter2!9 get pods", "kubectl --token ******** get pods"),
    ("ansible-vault encrypt_string Hunter2!9 --name x", "ansible-vault encrypt_string ******** --name x"),
    ("New-LocalUser -Name b -Password Hunter2!9", "New-LocalUser -Name b -Password ********"),
    ("ConvertTo-SecureString 'Hunter2!9' -AsPlainText -Force", "ConvertTo-SecureString ******** -AsPlainText -Force"),
    ('$p = ConvertTo-SecureString "Hunter2!9" -AsPlainText', "$p = ConvertTo-SecureString ******** -AsPlainText"),
    (
        "New-LocalUser -Password (ConvertTo-SecureString 'Hunter2!9' -AsPlainText -Force)",
        "New-LocalUser -Password (ConvertTo-SecureString ******** -AsPlainText -Force)",
    ),
    ("cmdkey /add:h /user:u /pass:Hunter2!9", "cmdkey /add:h /user:u /pass:********"),
    ("wget --http-password=Hunter2!9 x", "wget --http-password=******** x"),
    ("redis-cli -a Hunter2!9 ping", "redis-cli -a ******** ping"),
    ("ldapsearch -x -D cn=a -w Hunter2!9 -b dc=x", "ldapsearch -x -D cn=a -w ******** -b dc=x"),
    ("ldapsearch -xw Hunter2!9", "ldapsearch -xw ********"),
    ("htpasswd -b f u Hunter2!9", "htpasswd -b f u ********"),
    ("htpasswd -nbB u Hunter2!9", "htpasswd -nbB u ********"),
    ("useradd -p Hunter2!9 bob", "useradd -p ******** bob"),
    ("usermod -p 'Hunter2!9' bob", "usermod -p ******** bob"),
    ("mysqladmin -u root password Hunter2!9", "mysqladmin -u root password ********"),
    ("mysql -e \"ALTER USER x IDENTIFIED BY 'Hunter2!9'\"", "mysql -e \"ALTER USER x IDENTIFIED BY '********'\""),
    ("psql -c \"ALTER ROLE x PASSWORD 'Hunter2!9'\"", "psql -c \"ALTER ROLE x PASSWORD '********'\""),
    ("mysql -e \"SET PASSWORD FOR 'u'@'h' = 'Hunter2!9'\"", "mysql -e \"SET PASSWORD FOR 'u'@'h' = '********'\""),
    ("mysql -e \"SET PASSWORD = PASSWORD('Hunter2!9')\"", 'mysql -e "SET PASSWORD = ********)"'),
    ("ssh host \"mysql -pHunter2!9 -e 'show tables'\"", "ssh host \"mysql -p******** -e 'show tables'\""),
    (
        'bash -c "ssh h \\"mysql --password=\'Hunter2!9 x\' db\\""',
        'bash -c "ssh h \\"mysql --password=\'********\' db\\""',
    ),
    ('curl -d \'{"user":"x","password":"Hunter2!9"}\' h', 'curl -d \'{"user":"x","password":"********"}\' h'),
    ('curl -d "{\\"password\\": \\"Hunter2!9\\"}" h', 'curl -d "{\\"password\\": ********" h'),
    ("mount -o username=x,password=Hunter2!9,vers=3 //h/s /m", "mount -o username=x,password=******** //h/s /m"),
    ("$env:TOKEN = 'Hunter2!9'; run", "$env:TOKEN = ********; run"),
    ("setx API_TOKEN Hunter2!9", "setx API_TOKEN ********"),
    ("git config --global user.password Hunter2!9", "git config --global user.password ********"),
    ("aws configure set aws_secret_access_key Hunter2!9", "aws configure set aws_secret_access_key ********"),
    ("java -Djavax.net.ssl.keyStorePassword=Hunter2!9 -jar x", "java -Djavax.net.ssl.keyStorePassword=******** -jar x"),
    ("vault kv put secret/x value=Hunter2!9", "vault kv put secret/x value=********"),
    ("sqlplus scott/Hunter2!9@db", "sqlplus scott/********"),
    ("smbclient //h/s -U bob%Hunter2!9", "smbclient //h/s -U bob%********"),
    ("zip -P Hunter2!9 a.zip f", "zip -P ******** a.zip f"),
    ("7z a -pHunter2!9 a.7z f", "7z a -p******** a.7z f"),
    ("Server=x;User Id=sa;Password=Hunter2!9;", "Server=x;User Id=sa;Password=********"),
    ("powershell -Command \"Connect -Password 'Hunter2!9'\"", 'powershell -Command "Connect -Password ********"'),
    ("password: Hunter2!9", "password: ********"),
    ("db_password = Hunter2!9", "db_password = ********"),
    ("rabbitmqctl add_user bob Hunter2!9", "rabbitmqctl add_user bob ********"),
    ('echo "x x/root_password password Hunter2!9" | debconf-set-selections', "echo ******** | debconf-set-selections"),
    ("gpg --batch --passphrase Hunter2!9 -d f", "gpg --batch --passphrase ******** -d f"),
    ("chpasswd <<EOF\nroot:Hunter2!9\nEOF", "chpasswd <<EOF\nroot:********\nEOF"),
    ("cat > f <<EOF\nuser=x\npassword=Hunter2!9\nEOF", "cat > f <<EOF\nuser=x\npassword=********\nEOF"),
    ("sed -i 's/password=.*/password=Hunter2!9/' f", "sed -i 's/password=********' f"),
    ("`mysql -pHunter2!9`", "`mysql -p********`"),
    ("X=$(mysql -pHunter2!9)", "X=$(mysql -p********)"),
    ("IDENTIFIED BY Hunter2!9", "IDENTIFIED BY ********"),
    ("echo Hunter2!9 | sudo -S id", "echo ******** | sudo -S id"),
    ("mysql -u root --password='Hunter Hunter2!9' db", "mysql -u root --password='********' db"),
    ('mysql -h db -pHunter2!9 db -e "show tables"', 'mysql -h db -p******** db -e "show tables"'),
    ("MYSQL_PWD=Hunter2!9 mysql", "MYSQL_PWD=******** mysql"),
    ("mysqldump --defaults-extra-file=/x -pHunter2!9", "mysqldump --defaults-extra-file=/x -p********"),
    ("/usr/bin/mysql -pHunter2!9", "/usr/bin/mysql -p********"),
    ("sudo mysql -pHunter2!9", "sudo mysql -p********"),
    ("time mysql -pHunter2!9", "time mysql -p********"),
    ('curl --header "Authorization: Bearer Hunter2!9" h', 'curl --header "Authorization: Bearer ********" h'),
    ("curl -HAuthorization:Hunter2!9 h", "curl -HAuthorization:********"),
    ("curl --oauth2-bearer Hunter2!9 h", "curl --oauth2-bearer ******** h"),
    ('curl -H "PRIVATE-TOKEN: Hunter2!9" h', 'curl -H "PRIVATE-TOKEN: ********" h'),
    ("curl -H 'apikey: Hunter2!9' h", "curl -H 'apikey: ********' h"),
    ("curl -H 'X-Vault-Token:Hunter2!9' h", "curl -H 'X-Vault-Token:********' h"),
    ("curl -d 'username=a&password=Hunter2!9' h", "curl -d 'username=a&password=********' h"),
    ("curl --data-urlencode password=Hunter2!9 h", "curl --data-urlencode password=******** h"),
    ("curl -F password=Hunter2!9 h", "curl -F password=******** h"),
    ("curl 'https://h/?api_key=Hunter2!9'", "curl 'https://h/?api_key=********'"),
    ("curl https://user:Hunter2!9@h/", "curl https://user:********@h/"),
    ("wget --password=Hunter2!9 h", "wget --password=******** h"),
    ("wget --header='Authorization: Basic Hunter2!9' h", "wget --header='Authorization: Basic ********' h"),
    ("wget --user=a --password Hunter2!9 h", "wget --user=a --password ******** h"),
    ("http -a a:Hunter2!9 h", "http -a a:******** h"),
    ('http h Authorization:"Bearer Hunter2!9"', 'http h Authorization:"Bearer ********"'),
    ('export DB_PASSWORD="Hunter2!9" DB_USER=a && run', "export DB_PASSWORD=******** DB_USER=a && run"),
    ("export SECRET_KEY='Hunter Hunter2!9'", "export SECRET_KEY=********"),
    ("TOKEN=Hunter2!9 ./run", "TOKEN=******** ./run"),
    ("env -i TOKEN=Hunter2!9 ./run", "env -i TOKEN=******** ./run"),
    ('echo "root:Hunter2!9" | sudo chpasswd -e', 'echo "root:********" | sudo chpasswd -e'),
    ("printf 'root:Hunter2!9\\n' | chpasswd", "printf 'root:********' | chpasswd"),
    ("(echo Hunter2!9; echo Hunter2!9) | passwd root", "(echo ********; echo ********) | passwd root"),
    ('echo -e "Hunter2!9\\nHunter2!9" | passwd bob', "echo -e ******** | passwd bob"),
    ('echo -e "Hunter2!9\\nHunter2!9" | smbpasswd -s -a bob', "echo -e ******** | smbpasswd -s -a bob"),
    ("yes Hunter2!9 | passwd bob", "yes ******** | passwd bob"),
    ("echo Hunter2!9 | kinit admin", "echo ******** | kinit admin"),
    ("echo 'Hunter2!9' | cryptsetup luksOpen /dev/sda1 x -", "echo ******** | cryptsetup luksOpen /dev/sda1 x -"),
    ("echo Hunter2!9 | docker login -u a --password-stdin", "echo ******** | docker login -u a --password-stdin"),
    ("docker login --username a --password Hunter2!9", "docker login --username a --password ********"),
    ("docker login -u=a -p=Hunter2!9", "docker login -u=a -p=********"),
    ("podman login -u a -pHunter2!9 quay.io", "podman login -u a -p******** quay.io"),
    ("docker run -e MYSQL_ROOT_PASSWORD=Hunter2!9 mysql", "docker run -e MYSQL_ROOT_PASSWORD=******** mysql"),
    ("docker run --env POSTGRES_PASSWORD=Hunter2!9 postgres", "docker run --env POSTGRES_PASSWORD=******** postgres"),
    (
        "kubectl create secret generic a --from-literal=x=Hunter2!9",
        "kubectl create secret generic a --from-literal=x=********",
    ),
    ("kubectl config set-credentials a --token=Hunter2!9", "kubectl config set-credentials a --token=********"),
    ("helm install a --set auth.password=Hunter2!9", "helm install a --set auth.password=********"),
    ("helm upgrade a --set db.user=a,db.password=Hunter2!9", "helm upgrade a --set db.user=a,db.password=********"),
    ('net user bob "Hunter2!9" /add /domain', "net user bob ******** /add /domain"),
    ("net1 user bob Hunter2!9", "net1 user bob ********"),
    ("net.exe user bob Hunter2!9", "net.exe user bob ********"),
    ("NET USER bob Hunter2!9", "NET USER bob ********"),
    ('cmd /c "net user bob Hunter2!9"', 'cmd /c "net user bob ********"'),
    ("cmd /c net user bob Hunter2!9", "cmd /c net user bob ********"),
    (
        "powershell -c \"Set-ADAccountPassword b -New (ConvertTo-SecureString -AsPlainText 'Hunter2!9' -Force)\"",
        'powershell -c "Set-ADAccountPassword b -New (ConvertTo-SecureString -AsPlainText ******** -Force)"',
    ),
    (
        "powershell -c \"$p = ConvertTo-SecureString -String 'Hunter2!9' -AsPlainText -Force\"",
        'powershell -c "$p = ConvertTo-SecureString -String ******** -AsPlainText -Force"',
    ),
    (
        "'Hunter2!9' | ConvertTo-SecureString -AsPlainText -Force",
        "******** | ConvertTo-SecureString -AsPlainText -Force",
    ),
    (
        "New-Object System.Management.Automation.PSCredential('a', 'Hunter2!9')",
        "New-Object System.Management.Automation.PSCredential('a', ********)",
    ),
    ('[System.Net.NetworkCredential]::new("a","Hunter2!9")', '[System.Net.NetworkCredential]::new("a",********)'),
    (
        'Invoke-RestMethod -Headers @{Authorization="Bearer Hunter2!9"} -Uri h',
        "Invoke-RestMethod -Headers @{Authorization=******** -Uri h",
    ),
    ('$env:API_KEY="Hunter2!9"', "$env:API_KEY=********"),
    ("set PASSWORD=Hunter2!9", "set PASSWORD=********"),
    ('set "PASSWORD=Hunter2!9"', 'set "PASSWORD=********"'),
    ("schtasks /create /ru a /rp Hunter2!9", "schtasks /create /ru a /rp ********"),
    ("cmdkey /generic:h /user:a /pass:Hunter2!9", "cmdkey /generic:h /user:a /pass:********"),
    ("psql postgresql://a:Hunter2!9@h:5432/db", "psql postgresql://a:********@h:5432/db"),
    ('psql "postgres://a:Hunter2!9@h/db?sslmode=require"', 'psql "postgres://a:********@h/db?sslmode=require"'),
    ("psql \"user=a password='Hunter Hunter2!9' host=h\"", "psql \"user=a password='********' host=h\""),
    ("redis-cli -u redis://:Hunter2!9@h", "redis-cli -u redis://:********@h"),
    ("redis-cli -h h -a 'Hunter2!9' info", "redis-cli -h h -a ******** info"),
    ("redis-cli CONFIG SET requirepass Hunter2!9", "redis-cli CONFIG SET requirepass ********"),
    ("redis-cli AUTH Hunter2!9", "redis-cli AUTH ********"),
    ("mongo -u a -p Hunter2!9 h", "mongo -u a -p ******** h"),
    ('mongosh "mongodb+srv://a:Hunter2!9@h/db"', 'mongosh "mongodb+srv://a:********@h/db"'),
    ('mongodump --uri="mongodb://a:Hunter2!9@h"', 'mongodump --uri="mongodb://a:********@h"'),
    ("ldapsearch -D cn=a -wHunter2!9", "ldapsearch -D cn=a -w********"),
    ("ldapmodify -x -w 'Hunter2!9' -f x", "ldapmodify -x -w ******** -f x"),
    ("ldappasswd -s Hunter2!9 uid=a", "ldappasswd -s ******** uid=a"),
    ("htpasswd -bc /etc/x a Hunter2!9", "htpasswd -bc /etc/x a ********"),
    ("htpasswd -cb /etc/x a Hunter2!9", "htpasswd -cb /etc/x a ********"),
    ("useradd -m -p Hunter2!9 bob", "useradd -m -p ******** bob"),
    ("useradd --password Hunter2!9 bob", "useradd --password ******** bob"),
    ("usermod --password=Hunter2!9 bob", "usermod --password=******** bob"),
    ('usermod -p "$(openssl passwd -6 Hunter2!9)" bob', "usermod -p ******** bob"),
    ("usermod -p `openssl passwd -1 Hunter2!9` bob", "usermod -p `openssl passwd -1 ********` bob"),
    ("openssl enc -aes-256-cbc -k Hunter2!9", "openssl enc -aes-256-cbc -k ********"),
    ("openssl enc -aes-256-cbc -pass pass:Hunter2!9 -in a", "openssl enc -aes-256-cbc -pass ******** -in a"),
    ('openssl pkcs12 -export -passout "pass:Hunter2!9"', "openssl pkcs12 -export -passout ********"),
    ("gpg --batch --passphrase=Hunter2!9 -c f", "gpg --batch --passphrase=******** -c f"),
    ('gpg --passphrase "Hunter2!9" f', "gpg --passphrase ******** f"),
    ("sshpass -p'Hunter2!9' ssh h", "sshpass -p******** ssh h"),
    ('sshpass -p "Hunter2!9" scp a h:', "sshpass -p ******** scp a h:"),
    ("SSHPASS=Hunter2!9 sshpass -e ssh h", "SSHPASS=******** sshpass -e ssh h"),
    ('ansible all -e "ansible_password=Hunter2!9"', 'ansible all -e "ansible_password=********"'),
    (
        'ansible-playbook -e \'{"db_password":"Hunter2!9"}\' p.yml',
        'ansible-playbook -e \'{"db_password":"********"}\' p.yml',
    ),
    (
        'ansible-playbook p.yml --extra-vars "become_pass=Hunter2!9"',
        'ansible-playbook p.yml --extra-vars "become_pass=********"',
    ),
    ("ansible-vault encrypt_string 'Hunter2!9' --name a", "ansible-vault encrypt_string ******** --name a"),
    ("aws configure set aws_session_token Hunter2!9", "aws configure set aws_session_token ********"),
    ("AWS_SECRET_ACCESS_KEY=Hunter2!9 aws s3 ls", "AWS_SECRET_ACCESS_KEY=******** aws s3 ls"),
    ("aws --secret-key Hunter2!9", "aws --secret-key ********"),
    ("az login -u a -p Hunter2!9", "az login -u a -p ********"),
    ("az login --service-principal -u a --password Hunter2!9", "az login --service-principal -u a --password ********"),
    ("git clone https://a:Hunter2!9@h/x.git", "git clone https://a:********@h/x.git"),
    (
        'git -c http.extraHeader="Authorization: Bearer Hunter2!9" clone h',
        'git -c http.extraHeader="Authorization: Bearer ********" clone h',
    ),
    ("git remote set-url origin https://oauth2:Hunter2!9@h/x", "git remote set-url origin https://oauth2:********@h/x"),
    ("svn co --username a --password Hunter2!9 h", "svn co --username a --password ******** h"),
    ("smbclient -U a%Hunter2!9 //h/s", "smbclient -U a%******** //h/s"),
    (
        "mount -t cifs -o username=a,password=Hunter2!9 //h/s /m",
        "mount -t cifs -o username=a,password=******** //h/s /m",
    ),
    ("mount -t cifs //h/s /m -o user=a,pass=Hunter2!9,dom=b", "mount -t cifs //h/s /m -o user=a,pass=********"),
    ("vault login Hunter2!9", "vault login ********"),
    ("vault login token=Hunter2!9", "vault login token=********"),
    ("vault write auth/x password=Hunter2!9", "vault write auth/x password=********"),
    ("VAULT_TOKEN=Hunter2!9 vault status", "VAULT_TOKEN=******** vault status"),
    ("consul kv put app/password Hunter2!9", "consul kv put app/password ********"),
    ("consul kv get -token=Hunter2!9 x", "consul kv get -token=******** x"),
    ("ALTER USER bob WITH PASSWORD 'Hunter2!9'", "ALTER USER bob WITH PASSWORD '********'"),
    ("CREATE USER bob WITH ENCRYPTED PASSWORD 'Hunter2!9';", "CREATE USER bob WITH ENCRYPTED PASSWORD '********';"),
    ("create user bob identified by 'Hunter2!9'", "create user bob identified by '********'"),
    ("CREATE LOGIN bob WITH PASSWORD = 'Hunter2!9'", "CREATE LOGIN bob WITH PASSWORD = ********"),
    (
        "GRANT ALL ON *.* TO 'bob'@'%' IDENTIFIED BY 'Hunter2!9'",
        "GRANT ALL ON *.* TO 'bob'@'%' IDENTIFIED BY '********'",
    ),
    (
        "ALTER USER 'bob'@'%' IDENTIFIED WITH mysql_native_password BY 'Hunter2!9'",
        "ALTER USER 'bob'@'%' IDENTIFIED WITH mysql_native_password BY '********'",
    ),
    ("SET PASSWORD FOR bob@localhost = 'Hunter2!9'", "SET PASSWORD FOR bob@localhost = '********'"),
    (
        "SET PASSWORD FOR 'bob'@'localhost' = PASSWORD('Hunter2!9')",
        "SET PASSWORD FOR 'bob'@'localhost' = PASSWORD('********')",
    ),
    ("UPDATE users SET password='Hunter2!9' WHERE id=1", "UPDATE users SET password='********' WHERE id=1"),
    ("mysql -e 'ALTER USER bob IDENTIFIED BY \"Hunter2!9\"'", "mysql -e 'ALTER USER bob IDENTIFIED BY \"********\"'"),
    (
        'mysql -e "ALTER USER bob IDENTIFIED BY \\"Hunter2!9\\""',
        'mysql -e "ALTER USER bob IDENTIFIED BY ********"********\\""',
    ),
    (
        'su - postgres -c "psql -c \\"ALTER USER bob PASSWORD \'Hunter2!9\'\\""',
        'su - postgres -c "psql -c \\"ALTER USER bob PASSWORD \'********\'\\""',
    ),
    (
        "su - postgres -c 'psql -c \"ALTER USER bob PASSWORD '\"'\"'Hunter2!9'\"'\"'\"'",
        "su - postgres -c 'psql -c \"ALTER USER bob PASSWORD '\"'\"'********'\"'\"'\"'",
    ),
    ("ssh h 'echo root:Hunter2!9 | chpasswd'", "ssh h 'echo root:******** | chpasswd'"),
    ("bash -c 'export TOKEN=Hunter2!9; ./run'", "bash -c 'export TOKEN=********; ./run'"),
    ("bash -c \"echo 'bob:Hunter2!9' | chpasswd\"", "bash -c \"echo 'bob:********' | chpasswd\""),
    ("sh -c 'mysql -pHunter2!9'", "sh -c 'mysql -p********'"),
    ('tee x <<< "password=Hunter2!9"', 'tee x <<< "password=********"'),
    ("python -c \"connect(password='Hunter2!9')\"", "python -c \"connect(password='********')\""),
    (
        'python3 -c \'import x; x.login("a", password="Hunter2!9")\'',
        'python3 -c \'import x; x.login("a", password="********")\'',
    ),
    ("snmpwalk -v2c -c Hunter2!9 h", "snmpwalk -v2c -c ******** h"),
    ("ipmitool -H h -U a -P Hunter2!9 power on", "ipmitool -H h -U a -P ******** power on"),
    ("xfreerdp /u:a /p:Hunter2!9 /v:h", "xfreerdp /u:a /p:******** /v:h"),
    ("winexe -U a%Hunter2!9 //h cmd", "winexe -U a%******** //h cmd"),
    ("rabbitmqctl change_password a Hunter2!9", "rabbitmqctl change_password a ********"),
    ("nmcli dev wifi connect S password Hunter2!9", "nmcli dev wifi connect S password ********"),
    ("wpa_passphrase S Hunter2!9", "wpa_passphrase S ********"),
    ("sqlcmd -S h -U a -P Hunter2!9 -Q x", "sqlcmd -S h -U a -P ******** -Q x"),
    ("sqlplus a/Hunter2!9@db", "sqlplus a/********"),
    ("keytool -storepass Hunter2!9 -keypass Hunter2!9", "keytool -storepass ******** -keypass ********"),
    ("java -Dpassword=Hunter2!9 -jar a", "java -Dpassword=******** -jar a"),
    ("kubeadm join h --token Hunter2!9", "kubeadm join h --token ********"),
    ("tailscale up --authkey=Hunter2!9", "tailscale up --authkey=********"),
    (
        'echo "//packages.example/:_authToken=Hunter2!9" > ~/.npmrc',
        'echo "//packages.example/:_authToken=********" > ~/.npmrc',
    ),
    ("npm config set //r/:_authToken Hunter2!9", "npm config set //r/:_authToken ********"),
    ("pip install --index-url https://a:Hunter2!9@h/simple x", "pip install --index-url https://a:********@h/simple x"),
    ("7z x -pHunter2!9 a.7z", "7z x -p******** a.7z"),
    ("unzip -P Hunter2!9 a.zip", "unzip -P ******** a.zip"),
    ("zip -er -P Hunter2!9 a b", "zip -er -P ******** a b"),
    ("pass: Hunter2!9", "pass: ********"),
    ('"password": "Hunter2!9"', '"password": ********'),
    ("'password': 'Hunter2!9'", "'password': ********"),
    ("password => Hunter2!9", "password => ********"),
    ("api_key: Hunter2!9", "api_key: ********"),
    ("secretAccessKey: Hunter2!9", "secretAccessKey: ********"),
    ("<password>Hunter2!9</password>", "<password>********</password>"),
    ("aws_secret_access_key = Hunter2!9", "aws_secret_access_key = ********"),
    ('client-secret: "Hunter2!9"', "client-secret: ********"),
    (
        'connectionString="Server=h;Database=d;User Id=a;Password=Hunter2!9;"',
        'connectionString="Server=h;Database=d;User Id=a;Password=********"',
    ),
    ("Data Source=h;pwd=Hunter2!9", "Data Source=h;pwd=********"),
    (
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Hunter2!9==;EndpointSuffix=core",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=********;EndpointSuffix=core",
    ),
    ("jdbc:mysql://h/db?user=a&password=Hunter2!9", "jdbc:mysql://h/db?user=a&password=********"),
    ("jdbc:oracle:thin:a/Hunter2!9@h:1521", "jdbc:oracle:thin:a/********@h:1521"),
    ("amqp://a:Hunter2!9@h//", "amqp://a:********@h//"),
    ("Set-Cookie: session=Hunter2!9; Path=/", "Set-Cookie: ********"),
    ("Cookie: a=Hunter2!9", "Cookie: ********"),
    ('curl --cookie "s=Hunter2!9" h', "curl --cookie ******** h"),
    ('curl -sSf -X POST -u "a:Hunter2!9" h', "curl -sSf -X POST -u a:******** h"),
    ("curl -ua:Hunter2!9 h", "curl -ua:******** h"),
    ("curl -u 'a:Hunter Hunter2!9' h", "curl -u a:******** h"),
    ('chpasswd -c SHA512 <<< "a:Hunter2!9"', 'chpasswd -c SHA512 <<< "a:********"'),
    ("passwd --stdin bob <<< Hunter2!9", "passwd --stdin bob <<< ********"),
    ("echo $'a:Hunter2!9' | chpasswd", "echo ******** | chpasswd"),
    ("echo Hunter2!9 | tee /x | passwd --stdin bob", "echo ******** | tee /x | passwd --stdin bob"),
    (
        "subscription-manager register --username a --password Hunter2!9",
        "subscription-manager register --username a --password ********",
    ),
    (
        "samba-tool user setpassword a --newpassword=Hunter2!9",
        "samba-tool user setpassword ******** --newpassword=********",
    ),
    ("kadmin -p a -w Hunter2!9", "kadmin -p a -w ********"),
    ("ipa user-mod a --password Hunter2!9", "ipa user-mod a --password ********"),
    ("mysqladmin -u root -pHunter2!9 password Hunter2!9", "mysqladmin -u root -p******** password ********"),
    ("mysqladmin -u root password 'Hunter2!9'", "mysqladmin -u root password ********"),
    ("docker exec -e PGPASSWORD=Hunter2!9 pg psql", "docker exec -e PGPASSWORD=******** pg psql"),
    ("--password=Hunter2!9", "--password=********"),
    ("-pass Hunter2!9", "-pass ********"),
    ("db.password=Hunter2!9", "db.password=********"),
    ("spring.datasource.password=Hunter2!9", "spring.datasource.password=********"),
    ("redis.auth=Hunter2!9", "redis.auth=********"),
    ("bearer_token=Hunter2!9", "bearer_token=********"),
    ("x-api-key:Hunter2!9", "x-api-key:********"),
    ("token:Hunter2!9", "token:********"),
    ("passwd=Hunter2!9", "passwd=********"),
    ("secret=Hunter2!9", "secret=********"),
    ("MYSECRET=Hunter2!9", "MYSECRET=********"),
    ("apiToken=Hunter2!9", "apiToken=********"),
]
STAY = [
    "mkdir -p x",
    "ssh -p 22 host",
    "useradd -u 100 bob",
    "passwd -l bob",
    "apt install password-store",
    "apt-get install passwd=1:4.13+dfsg1-1",
    "curl -u bob https://h/x",
    "tar -pxf a.tar",
    "cp -p a b",
    "ps -u root",
    "git log -p",
    "grep -i password /etc/x",
    "grep 'password=' /etc/x",
    "systemctl restart tokend",
    "docker pull x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "echo 550e8400-e29b-41d4-a716-446655440000",
    "salt-run jobs.lookup_jid 20261122150000000000",
    "docker run -p 80:80 -u 1000:1000 nginx",
    "pip install token==1.2",
    "mysql -u root -p",
    "mysql -P 3306 -h db",
    "psql -p 5432 -U x",
    "psql -W -h x",
    "ssh-keygen -t ed25519 -N '' -f k",
    "ssh-keygen -p -f k",
    "chown a:b f",
    "git clone https://host:8080/a@b",
    "git clone https://github.com/x/y",
    "openssl rsa -in k -passin file:/etc/p",
    "openssl rsa -in k -passin env:PW",
    "mysql --password-file /etc/x",
    "gpg --passphrase-fd 0 -d f",
    "docker login --password-stdin",
    "ansible-playbook --vault-password-file x p.yml",
    "ansible-playbook --ask-become-pass p.yml",
    "ansible-playbook --private-key ~/.ssh/id_rsa p.yml",
    "cd $PWD && ls",
    "export PWD=/tmp",
    "SSH_AUTH_SOCK=/tmp/x ssh h",
    "kubectl get secret x -o yaml",
    "kubectl get secrets",
    "kubectl create token x",
    "redis-cli -h db -p 6379 ping",
    "ls -la /etc/passwd /etc/shadow",
    "cat /etc/pam.d/common-password",
    "rsync -avp a b",
    "netstat -tulpn",
    "rpm -qa --last",
    "find / -name '*.pem' -print",
    "echo it's fine",
    "sort -u -k 2 f",
    "tail -f /var/log/auth.log",
    "journalctl -u ssh -p err",
    "useradd -m -s /bin/bash -G sudo bob",
    "usermod -aG docker bob",
    "sed -i 's/^PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config",
    "sshd -o PasswordAuthentication=no",
    "chage -l bob",
    "id && whoami; uptime | head -1",
    "for i in 1 2 3; do echo $i; done",
    "test -f /x || touch /x",
    "scp -P 22 a h:/b",
    "nmap -p 1-1000 h",
    "apt install libsecret-1-0 libpam-passwdqc",
    "systemctl status user-secret.service",
    "net user bob",
    "net user bob /active:yes",
    "net use",
    "vault kv get secret/x",
    "vault status",
    "git config --get user.password",
    'mysql -p"$DB_PASS" -e x',
    'curl -H "Content-Type: application/json" h',
    "curl -b cookies.txt h",
    "echo aGVsbG8td29ybGQtcGFja2FnZQ",
    "dpkg -i libkeyutils1_1.6.1-2_amd64.deb",
    "zip -r a.zip d",
    "7z a a.7z f",
    "max_tokens=100",
    "openssl x509 -in c.pem -noout -text",
    "ip addr add 10.0.0.1/24 dev eth0",
    "make password=",
    "useradd --password-expire bob",
    "awk -F: '{print $1}' /etc/passwd",
    "tokenizer --tokenizer=gpt2 f",
    "Basic authentication is off",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "2:9.0.1378-2+deb12u2",
    "mkdir -p /srv/x",
    "ssh -p 2222 bob@h",
    "ssh -i ~/.ssh/id_rsa h",
    "useradd -u 100 -g 100 bob",
    "passwd -S bob",
    "passwd --status bob",
    "passwd -u bob",
    "apt install password-store pass",
    "apt-get install -y libpam-pwquality",
    "yum install passwd",
    "dnf info token-tool",
    "curl -u bob h",
    "curl -sS https://h/x?page=2&sort=name",
    "curl -o /dev/null -w '%{http_code}' h",
    "curl -b jar.txt -c jar.txt h",
    "tar -pxf a",
    "tar -czpf a b",
    "cp -pr a b",
    "ps -u root -o pid",
    "ps -p 1",
    "git log -p --stat",
    'git commit -m "Add password reset"',
    "git push origin token-branch",
    "git config user.name bob",
    "git config --list",
    'grep -r "secret" /etc',
    "grep -rn token= /etc",
    "systemctl status auth-proxy",
    "docker pull h/x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "docker run -d -p 8080:80 --name a nginx:1.25",
    "docker run --user 1000:1000 x",
    "docker ps --format '{{.Names}}'",
    "kubectl get secret a -n b",
    "kubectl describe secrets",
    "kubectl delete secret a",
    "kubectl create secret generic a --from-file=x",
    "kubectl auth can-i get pods",
    "vault kv list secret/",
    "vault secrets list",
    "vault token lookup",
    "mysql -u root -p db",
    "mysql -p -e 'show tables'",
    "mysql -P3306",
    "psql -p5432",
    "redis-cli -p 6380",
    "redis-cli -n 1 keys '*'",
    "ldapsearch -x -W -D cn=a",
    "openssl passwd -6",
    "openssl rand -base64 32",
    "openssl x509 -in a -text",
    "openssl s_client -connect h:443",
    "openssl pkcs12 -passin file:/x",
    "gpg --list-secret-keys",
    "gpg --gen-key",
    "gpg --export-secret-keys a",
    "ssh-keygen -t rsa -b 4096 -f k",
    "ssh-add ~/.ssh/id_rsa",
    "ssh-copy-id -i k.pub h",
    "chage -M 90 bob",
    "usermod -L bob",
    "usermod -s /bin/sh -d /home/b bob",
    "groupadd -g 1000 a",
    "adduser bob sudo",
    "id -u bob",
    "su - bob -c 'ls -l'",
    "sudo -u bob -H ls",
    "sudo -S ls",
    "sudo passwd bob",
    "net user",
    "net user bob /delete",
    "net user bob /domain",
    "net localgroup Administrators bob /add",
    "net use Z: \\\\srv\\share",
    "net stop spooler",
    "cat /etc/passwd | grep bob",
    "cat /etc/shadow | cut -d: -f1",
    "getent passwd bob",
    "echo hello | tee x",
    "echo user:group",
    "chown bob:bob /x",
    'find . -name "*password*" -print',
    "find . -perm -4000",
    "sed -i 's/a/b/' f",
    "sed -n '/secret/p' f",
    "awk '{print $1}' f",
    "rsync -avzp a:/x b",
    "scp -P 22 a b:/x",
    "wget -q -P /tmp https://h/x",
    "wget --user bob --ask-password h",
    "unzip -p a.zip f",
    "zip -r a b",
    "7z l a",
    "htpasswd -D f u",
    "htpasswd -c f u",
    "nmap -p- h",
    "netstat -tlnp",
    "ss -tlnp",
    "lsof -p 1",
    "kill -9 1",
    "journalctl -u sshd --since today",
    "PATH=/x:$PATH run",
    "LANG=C sort f",
    "http_proxy=http://proxy:3128 apt update",
    "TZ=Europe/Zurich date",
    "HOME=/root ls",
    "AUTHOR=me run",
    "KEYBOARD=us",
    "KEY=value",
    "MONKEY=1",
    "compass=north",
    "bypass=1",
    "passed=3",
    "tokens=5",
    "pip install requests==2.31.0",
    "pip install pyjwt==2.8.0 python-jose",
    "npm install jsonwebtoken",
    "npm install passport@0.6.0",
    "gem install devise-token",
    "hello=2.10-3+b1",
    "salt '*' test.ping",
    "salt-call state.apply test=True",
    "id=550e8400-e29b-41d4-a716-446655440000",
    "md5sum d41d8cd98f00b204e9800998ecf8427e",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "20261122150000000000",
    "1.2.3-4+deb12u1",
    "jre-8u381",
    "base64 -d f",
    "python3 -m venv /x",
    "pytest -p no:cacheprovider",
    "make -j4",
    "for u in a b; do id $u; done",
    "if [ -f /x ]; then cat /x; fi",
    '[ "$PASSWORD" = "" ] && exit 1',
    'test -n "$TOKEN"',
    'echo "$PASSWORD" | passwd --stdin bob',
    "echo ${TOKEN}",
    "export TOKEN=$(cat /run/token)",
    "export TOKEN",
    "chpasswd < /run/new-users",
    "echo a:b > f && sort < f",
    "echo a:b > f; chpasswd < g",
    "unset PASSWORD",
    "read -s PASSWORD",
    "mysql -p$MYSQL_PASSWORD",
    'curl -H "Authorization: Bearer $TOKEN" h',
    'curl -u "bob:$PASS" h',
    "sshpass -e ssh h",
    "sshpass -f /x ssh h",
    "aws s3 cp a s3://b/",
    "az login --identity",
    "docker login",
    "docker login -u bob h",
    "helm repo add a https://h",
    "ansible-playbook -i h p.yml --ask-vault-pass",
    "ansible-vault view a.yml",
    "powershell -Command Get-Service",
    "powershell -ExecutionPolicy Bypass -File x.ps1",
    "Get-ADUser bob -Properties PasswordLastSet",
    "reg query HKLM\\Software /v x",
    "schtasks /query",
    "wmic os get caption",
    "ipmitool -I lanplus -H h -U a chassis status",
    "snmpwalk -v 3 h",
    "nmcli dev wifi list",
    "password authentication is disabled",
    "Authentication failed for user bob",
    "bad password",
    "0 secrets found",
    "ssh.service - OpenBSD Secure Shell server",
]
PLACES = [
    "mysql -u root -p{}", "mysql --password={}", "mysql --password {}", "curl -u bob:{} https://h/",
    "sshpass -p {} ssh h", "export API_TOKEN={}", "PGPASSWORD={} psql", "echo root:{} | chpasswd",
    "curl -H 'Authorization: Bearer {}' h", "curl -H 'Authorization: Basic {}' h", "postgresql://u:{}@h/db",
    "curl 'https://h/?token={}&page=2'", "net user bob {}", "docker login -u a -p {} h", "redis-cli -a {}",
    "ldapsearch -x -w {}", "htpasswd -b f u {}", "useradd -p {} bob", "mysqladmin password {}",
    "psql -c \"ALTER ROLE u PASSWORD '{}'\"", "mysql -e \"CREATE USER u IDENTIFIED BY '{}'\"",
    "ConvertTo-SecureString '{}' -AsPlainText", "New-LocalUser -Password {}", "cmdkey /pass:{}",
    "kubectl --token {}", "ssh h \"mysql -p{} db\"", "password: {}", "db_password = {}", "psql 'host=h password={}'",
    "chpasswd <<< root:{}", "chpasswd <<E\nroot:{}\nE", "curl -d '{{\"password\": \"{}\"}}' h",
    "-----BEGIN PRIVATE KEY-----\n{}\n", "setx API_TOKEN {}", "openssl rsa -passin pass:{}",
    "git config user.password {}", "zip -P {} a b",
]  # fmt: skip
SECRETS = st.text(st.sampled_from("abcXYZ0189+_.!%^~"), min_size=8, max_size=20).map(lambda text: f"q{text}Q7")
AROUND = st.text(st.sampled_from("ab 12-=:/,.|;\n"), max_size=30)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_secrets_are_hidden(line, expected):
    assert masking.masked_text(line) == expected
    assert PLAIN not in expected
    assert masking.masked_text(expected) == expected


@pytest.mark.parametrize("line", STAY)
def test_what_is_no_secret_stays(line):
    assert masking.masked_text(line) == line


def test_enough_lines_are_tried():
    assert min(len(LINES), len(STAY)) >= 60


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(PLACES), SECRETS, AROUND, AROUND)
def test_a_secret_at_its_place_never_survives(place, secret, before, after):
    line = f"{before}\n{place.format(secret)}\n{after}"
    masked = masking.masked_text(line)
    assert secret not in masked
    assert masking.masked_text(masked) == masked


@settings(deadline=None, max_examples=500)
@given(st.text(st.sampled_from("ab '\"\\=:-|;<>()`$*\n") | st.characters(), max_size=60))
def test_any_text_is_masked_once_and_for_all(text):
    masked = masking.masked_text(text)
    assert masking.masked_text(masked) == masked


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=20,
    )
)
def test_nothing_makes_it_fail(value):
    masking.masked({"fun": value, "arg": value, "kwargs": value, "tgt": value, "tgt_type": "pillar", "return": value})
    masking.masked_data(value)


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "adminPassword", "passwd", "token", "api_key", "api-key", "private_key",
     "secret", "client_secret", "auth", "pass", "smtp.pass", "credentials", "passphrase"],
)  # fmt: skip
def test_secrets_are_found_by_the_name_of_the_argument(name):
    load = {
        "fun": "x.y",
        "arg": ["plain", {"__kwarg__": True, name: "hunter2"}, f"{name}=hunter2"],
        "kwargs": {"deep": [{name: "hunter2"}]},
    }
    masked = masking.masked(load)
    assert "hunter2" not in repr(masked)
    assert masked["arg"][0] == "plain"
    assert load["arg"][1][name] == "hunter2", "the load itself belongs to Salt and stays"


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "hello"), ("passed", "3"), ("bypass", "x"), ("author", "me"), ("version", "1")],
)
def test_other_arguments_stay(name, value):
    load = {"fun": "pkg.install", "arg": [{"__kwarg__": True, name: value}, f"{name}={value}"]}
    assert masking.masked(load) == load


def test_passwords_in_urls_are_hidden():
    masked = masking.masked({"fun": "git.clone", "arg": ["https://me:hunter2@host/x", "https://host/a@b"]})
    assert masked["arg"] == [f"https://me:{HIDDEN}@host/x", "https://host/a@b"]


def test_a_function_named_after_a_secret_hides_all_but_its_first_argument():
    masked = masking.masked({"fun": "shadow.set_password", "fun_args": ["root", "$6$hunter2", {"pw": "hunter2x"}]})
    assert masked["fun_args"][0] == "root"
    assert "$6$" not in repr(masked)


def test_the_arguments_of_a_runner_are_in_its_return():
    load = {"jid": "1", "return": {"jid": "1", "fun": "runner.x.y", "fun_args": [{"token": "hunter2"}]}}
    assert "hunter2" not in repr(masking.masked(load))


@pytest.mark.parametrize("load", [{"arg": None}, {"arg": 7, "fun": 3}, {"fun": ["a", "b"], "arg": "x"}, {}, "text"])
def test_odd_loads_are_left_as_they_are(load):
    assert masking.masked(load) == load


def test_arguments_nested_without_end_are_cut():
    nested = []
    for _ in range(5000):
        nested = [nested]
    masked = masking.masked({"fun_args": nested, "return": {"jid": "1", "fun_args": nested}})
    assert HIDDEN in repr(masked)


def test_values_in_a_pillar_are_hidden_whatever_their_name():
    load = {"fun": "state.apply", "arg": ["web", {"__kwarg__": True, "pillar": {"colour": "red", "x": ["y", 7]}}]}
    assert masking.masked(load)["arg"][1]["pillar"] == {"colour": HIDDEN, "x": [HIDDEN, HIDDEN]}
    assert masking.masked({"fun": "state.apply", "arg": ["web", "pillar={'a': 'b'}"]})["arg"][1] == f"pillar={HIDDEN}"


def test_each_function_of_a_job_has_its_arguments():
    load = {"fun": ["test.echo", "shadow.set_password"], "arg": [["a", "b"], ["root", PLAIN]]}
    assert masking.masked(load)["arg"] == [["a", "b"], ["root", HIDDEN]]


def test_functions_that_have_a_password_at_a_known_place():
    assert masking.masked({"fun": "mysql.user_create", "arg": ["bob", "%", PLAIN]})["arg"] == ["bob", "%", HIDDEN]
    assert masking.masked({"fun": "user.add", "arg": ["bob", 1000]})["arg"] == ["bob", 1000]
    assert masking.masked({"fun": "sdb.set", "arg": ["sdb://v/db/password", PLAIN]})["arg"][1] == HIDDEN


def test_outputs_are_masked_at_any_depth():
    data = {"stdout": f"TOKEN={PLAIN}", "changes": [{"password": PLAIN, "pid": 7}], "raw": f"pw: {PLAIN}".encode()}
    masked = masking.masked_data(data)
    assert PLAIN not in repr(masked)
    assert masked["changes"][0]["pid"] == 7


def test_a_masker_that_fails_hides_all_arguments(monkeypatch):
    def fail(*_):
        raise RuntimeError(PLAIN)

    monkeypatch.setattr(masking, "masked_line", fail)
    load = {"fun": "cmd.run", "arg": ["ls -l", "x y"], "kwargs": {"cwd": "/x y"}, "jid": "1"}
    assert masking.masked(load) == {"fun": "cmd.run", "arg": [HIDDEN], "kwargs": [HIDDEN], "jid": "1"}
    assert masking.masked_text("ls -l") == HIDDEN
    assert masking.masked_data(["ls -l"]) == HIDDEN


def test_a_masker_without_its_patterns_hides_everything():
    masker = Masker.hiding_all()
    assert masker.masked({"fun": "x.y", "arg": ["hello", {"a": "b"}]})["arg"] == [HIDDEN, {"a": HIDDEN}]
    assert masker.masked_data({"out": "fine"}) == {"out": HIDDEN}


def test_patterns_of_the_site():
    masker = Masker.with_patterns(["corp-[0-9a-f]{4,}", "(?:[0-9]{4}-){3}[0-9]{4}"])
    assert masker.masked_text("use corp-12ab now") == f"use {HIDDEN} now"
    assert masker.masked({"fun": "x.y", "arg": ["1234-1234-1234-1234"]})["arg"] == [HIDDEN]


@pytest.mark.parametrize(
    "pattern", ["(", "(a+)+b", "(a|b*)*", "a.*b.*c", "x*", "", "a" * 201, "(a)\\1+", "a{1000}", "(?:a{1,9}){1,9}"]
)
def test_patterns_that_are_wrong_or_slow_are_refused(pattern):
    with pytest.raises(own_patterns.BadPattern):
        own_patterns.compiled([pattern])


@pytest.mark.parametrize("depth", range(1, shell_secrets.DEEPEST + 3))
def test_quotes_within_quotes(depth):
    line = f"mysql --password={PLAIN}"
    for _ in range(depth):
        line = 'sh -c "' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert PLAIN not in masking.masked_text(line)


def test_a_long_text_is_masked_line_by_line_and_a_long_line_is_hidden():
    lines = ["mysql -phunter2 shop", "plain"] * 2000
    assert masking.masked_text("\n".join(lines)) == "\n".join([f"mysql -p{HIDDEN} shop", "plain"] * 2000)
    long = "a " * masking.LONGEST_LINE
    assert masking.masked_text(f"first\n{long}\nlast") == f"first\n{HIDDEN}\nlast"


# Pieces that, repeated, take most of the time of a search, or once took a time that grew with the square.
SLOW = [
    "PASSWORD \\'", "PASSWORD '''", "oracle:a:b/", "dscl ", "mysql ", " ".join(PROGRAMS) + " ", "a b | passwd ", "su |",
    "'\"'\"'", "\"'", "[", "[=", "x=", ":", "://a:b", "<a>", "Basic a", "Authorization: x|",
    "-----BEGIN PRIVATE KEY-----x", "eyJaaaaa.", "\\\"",
    "'a': \"\\\"", "$(", "(echo x|", "<<E\nx\nE\n", "- ", "net use ",
]  # fmt: skip


@pytest.mark.parametrize("piece", SLOW)
def test_no_arguments_take_long(piece):
    line = (piece * 16_000)[:16_000]
    begun = time.process_time()
    masked = masking.masked({"fun": "cmd.run", "fun_args": [line] * 60})
    assert time.process_time() - begun < 3
    assert masked["fun_args"][-1] == HIDDEN


@pytest.mark.parametrize("piece", SLOW)
def test_no_output_takes_long(piece, monkeypatch):
    monkeypatch.setattr(masking, "ROOM_OF_DATA", masking.ROOM_OF_ARGUMENTS)
    line = (piece * 16_000)[:16_000]
    begun = time.process_time()
    masked = masking.masked_data({"more": [line] * 60, "one": "\n".join([line] * 60)})
    assert time.process_time() - begun < 6
    assert masked["more"][-1] == HIDDEN


def test_a_pattern_of_the_site_does_not_take_long():
    masker = Masker.with_patterns(["[a-z]+[0-9]{4}x"] * 5)
    begun = time.process_time()
    masked = masker.masked({"fun": "cmd.run", "fun_args": ["use abc1234x now", *["a" * 4000] * 100]})
    assert time.process_time() - begun < 3
    assert masked["fun_args"][0] == f"use {HIDDEN} now"
    assert masked["fun_args"][-1] == HIDDEN


def test_what_is_beyond_the_bound_is_hidden():
    plain = "ls -l /srv"
    masked = masking.masked({"fun": "cmd.run", "fun_args": [plain] * 50_000, "kwargs": {"a": plain}})
    assert masked["fun_args"][:100] == [plain] * 100
    assert {*masked["fun_args"][-100:], masked["kwargs"]} == {HIDDEN}
    assert masking.masked({"fun": "cmd.run", "fun_args": [plain] * 100})["fun_args"] == [plain] * 100
    assert masking.masked({"fun": ["cmd.run"] * 1000, "arg": [[plain]] * 1000})["arg"] == [HIDDEN]


def test_of_a_long_output_the_beginning_is_shown(monkeypatch):
    monkeypatch.setattr(masking, "ROOM_OF_DATA", masking.ROOM_OF_ARGUMENTS)
    lines = ["Setting up hello (2.10-3) ...", f"mysql -p{PLAIN} shop"] * 2000
    masked = masking.masked_data({"stdout": "\n".join(lines), "stderr": "and this"})
    assert masked["stdout"].startswith(f"{lines[0]}\nmysql -p{HIDDEN} shop\n")
    assert masked["stdout"].endswith(f"\n{HIDDEN}")
    assert len(masked["stdout"]) > 50_000
    assert PLAIN not in masked["stdout"]


def test_usual_outputs_are_shown_whole():
    packages = {f"libhello{number}-dev": f"1:{number}.2-3+b1" for number in range(5000)}
    assert masking.masked_data(packages) == packages


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"G@os:Debian and I@db:password:{PLAIN}", f"G@os:Debian and I@db:password:{HIDDEN}"),
        (f"( J@token:{PLAIN} or web1 )", f"( J@token:{HIDDEN} or web1 )"),
        ("G@os:Debian and I@role:web and not L@a,b", "G@os:Debian and I@role:web and not L@a,b"),
    ],
)
def test_the_pillar_in_a_compound_target(target, expected):
    assert masking.masked({"fun": "test.ping", "tgt": target, "tgt_type": "compound"})["tgt"] == expected
